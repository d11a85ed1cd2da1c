import { assetColumns } from './asset-columns.ts'
import { mapDriverErrors } from './errors.ts'
import { filterSql } from './filter.ts'
import { Prisma, type PrismaClient } from './generated/client.ts'
import { newAssetId } from './ids.ts'
import { pageOf } from './lists/pages.ts'
import type {
  AssetChange,
  AssetFilter,
  AssetPage,
  AssetPageRequest,
  AssetPatch,
  AssetRow,
  Assets,
  NewAsset,
} from './types.ts'
import { wordsOf } from './words/text/document.ts'
import { wordsRevision } from './words/text/lexemes.ts'

const columns = Prisma.raw(assetColumns)
const labelColumns = Prisma.raw(
  '"name" text, "title" text, "description" text, "tags" text[], "collections" text[], "takenAt" timestamptz',
)
const omit = { wordsRevision: true, palette: true, colourFamilies: true } as const

export interface AssetsOptions {
  client: PrismaClient
  /** Called after every insert and delete. */
  changed?(): void
  /** Called after every statement that changed rows. */
  written?(): void
  /** Called with the words of every asset that is inserted or has other labels, once they are stored. */
  learn?(vocabulary: readonly string[]): Promise<void>
}

/** The rows of the library's images. */
export class PrismaAssets implements Assets {
  readonly #client: PrismaClient
  readonly #options: AssetsOptions

  constructor(options: AssetsOptions) {
    this.#client = options.client
    this.#options = options
  }

  add(asset: NewAsset): Promise<{ row: AssetRow; duplicate: boolean }> {
    const { contentHash, name, title, description, tags, collections, mimeType, bytes, width, height } = asset
    const { words, vocabulary } = wordsOf(asset)
    return mapDriverErrors(async () => {
      // A row that is deleted between the two statements makes the insert possible again.
      for (;;) {
        const [row] = await this.#client.$queryRaw<AssetRow[]>`
          INSERT INTO "Asset" AS a ("id", "contentHash", "name", "title", "description", "tags", "collections", "mimeType", "bytes", "width", "height", "takenAt", "words", "wordsRevision")
          VALUES (${asset.id ?? newAssetId()}, ${contentHash}, ${name}, ${title}, ${description}, ${tags}::text[], ${collections}::text[], ${mimeType}, ${bytes}::int, ${width}::int, ${height}::int, ${asset.takenAt?.toISOString() ?? null}::timestamptz, ${words}::tsvector, ${wordsRevision}::int)
          ON CONFLICT ("contentHash") DO NOTHING RETURNING ${columns}`
        if (row) {
          this.#options.changed?.()
          this.#options.written?.()
          await this.#options.learn?.(vocabulary)
          return { row, duplicate: false }
        }
        const there = await this.#client.asset.findUnique({ where: { contentHash }, omit })
        if (there) return { row: there, duplicate: true }
      }
    })
  }

  byIds(ids: readonly string[]): Promise<Map<string, AssetRow>> {
    return mapDriverErrors(async () => {
      const rows = await this.#client.asset.findMany({ where: { id: { in: [...new Set(ids)] } }, omit })
      return new Map(rows.map((row) => [row.id, row]))
    })
  }

  byHashes(hashes: readonly string[]): Promise<Map<string, AssetRow>> {
    return mapDriverErrors(async () => {
      const contentHash = { in: [...new Set(hashes)] }
      const rows = await this.#client.asset.findMany({ where: { contentHash }, omit })
      return new Map(rows.map((row) => [row.contentHash, row]))
    })
  }

  page(request: AssetPageRequest): Promise<AssetPage> {
    return mapDriverErrors(() => pageOf(this.#client, request))
  }

  update(id: string, patch: AssetPatch, unchanged?: AssetRow): Promise<AssetRow | null> {
    return mapDriverErrors(async () => {
      // Words are made of all labels: those that another call changes meanwhile are read again.
      for (;;) {
        const row = unchanged ?? (await this.byIds([id])).get(id)
        if (!row) return null
        const [updated] = await this.updateEach([{ row, patch }])
        if (updated || unchanged) return updated ?? null
      }
    })
  }

  updateEach(changes: readonly AssetChange[]): Promise<AssetRow[]> {
    const made = changes.map(({ row, patch }) => {
      const becomes = { ...labelsOf(row), ...given(patch) }
      return { id: row.id, was: labelsOf(row), becomes, ...wordsOf(becomes) }
    })
    const json = JSON.stringify(made.map(({ vocabulary, ...change }) => change))
    return mapDriverErrors(async () => {
      const rows = await this.#client.$queryRaw<AssetRow[]>`
        UPDATE "Asset" a
        SET "name" = n."name", "title" = n."title", "description" = n."description", "tags" = n."tags",
          "collections" = n."collections", "takenAt" = n."takenAt", "words" = change."words"::tsvector, "wordsRevision" = ${wordsRevision}::int,
          "updatedAt" = now()
        FROM jsonb_to_recordset(${json}::jsonb) AS change("id" text, "was" jsonb, "becomes" jsonb, "words" text)
        CROSS JOIN LATERAL jsonb_to_record(change."was") AS o(${labelColumns})
        CROSS JOIN LATERAL jsonb_to_record(change."becomes") AS n(${labelColumns})
        WHERE a."id" = change."id"
          AND (a."name", a."title", a."description", a."tags", a."collections", a."takenAt")
            IS NOT DISTINCT FROM (o."name", o."title", o."description", o."tags", o."collections", o."takenAt")
        RETURNING ${columns}`
      if (rows.length > 0) this.#options.written?.()
      const updated = new Set(rows.map(({ id }) => id))
      const learnt = made.filter(({ id }) => updated.has(id)).flatMap(({ vocabulary }) => vocabulary)
      if (learnt.length > 0) await this.#options.learn?.(learnt)
      return rows
    })
  }

  delete(ids: readonly string[]): Promise<AssetRow[]> {
    return mapDriverErrors(async () => {
      const rows = await this.#client.$queryRaw<AssetRow[]>`
        DELETE FROM "Asset" a WHERE a."id" = ANY(${[...ids]}::text[]) RETURNING ${columns}`
      if (rows.length > 0) {
        this.#options.changed?.()
        this.#options.written?.()
      }
      return rows
    })
  }

  count(where?: AssetFilter | null, before?: string): Promise<number> {
    const filter = filterSql(where) ?? Prisma.sql`TRUE`
    const bound = before === undefined ? Prisma.sql`TRUE` : Prisma.sql`a."id" < ${before}`
    return mapDriverErrors(async () => {
      const [row] = await this.#client.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM "Asset" a WHERE ${filter} AND ${bound}`
      return row!.count
    })
  }
}

const labelsOf = ({ name, title, description, tags, collections, takenAt }: AssetRow) => ({
  name,
  title,
  description,
  tags,
  collections,
  takenAt,
})

/** The fields that a patch gives; an absent one is left as it is. */
const given = (patch: AssetPatch) =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
