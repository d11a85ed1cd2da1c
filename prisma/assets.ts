import { assetColumns } from './asset-columns.ts'
import { mapDriverErrors } from './errors.ts'
import { filterSql } from './filter.ts'
import { Prisma, type PrismaClient } from './generated/client.ts'
import { newAssetId } from './ids.ts'
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
  '"name" text, "title" text, "description" text, "tags" text[], "collections" text[]',
)
const omit = { updatedAt: true, wordsRevision: true, palette: true, colourFamilies: true } as const

export interface AssetsOptions {
  client: PrismaClient
  /** Called after every insert and delete. */
  changed?(): void
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
          INSERT INTO "Asset" AS a ("id", "contentHash", "name", "title", "description", "tags", "collections", "mimeType", "bytes", "width", "height", "words", "wordsRevision")
          VALUES (${asset.id ?? newAssetId()}, ${contentHash}, ${name}, ${title}, ${description}, ${tags}::text[], ${collections}::text[], ${mimeType}, ${bytes}::int, ${width}::int, ${height}::int, ${words}::tsvector, ${wordsRevision}::int)
          ON CONFLICT ("contentHash") DO NOTHING RETURNING ${columns}`
        if (row) {
          this.#options.changed?.()
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

  async page({ where, first, after, last, before }: AssetPageRequest): Promise<AssetPage> {
    if ((first == null) === (last == null)) throw new TypeError('Exactly one of first and last is needed.')
    const backwards = last != null
    const size = (first ?? last)!
    const filter = filterSql(where) ?? Prisma.sql`TRUE`
    const afterSql = after == null ? Prisma.sql`TRUE` : Prisma.sql`a."id" < ${after}`
    const beforeSql = before == null ? Prisma.sql`TRUE` : Prisma.sql`a."id" > ${before}`
    return mapDriverErrors(async () => {
      const found = await this.#client.$queryRaw<AssetRow[]>`
        SELECT ${columns} FROM "Asset" a WHERE ${filter} AND ${afterSql} AND ${beforeSql}
        ORDER BY a."id" ${Prisma.raw(backwards ? 'ASC' : 'DESC')} LIMIT ${size + 1}::int`
      const more = found.length > size
      const rows = found.slice(0, size)
      if (backwards) rows.reverse()
      // Newest first: what lies before a page is newer, what lies after it is older.
      const newer = () =>
        this.#exists(
          filter,
          rows[0] ? Prisma.sql`a."id" > ${rows[0].id}` : after && Prisma.sql`a."id" >= ${after}`,
        )
      const older = () => {
        const end = rows.at(-1)
        return this.#exists(
          filter,
          end ? Prisma.sql`a."id" < ${end.id}` : before && Prisma.sql`a."id" <= ${before}`,
        )
      }
      return {
        rows,
        hasNextPage: backwards ? before != null && (await older()) : more,
        hasPreviousPage: backwards ? more : after != null && (await newer()),
      }
    })
  }

  async #exists(filter: Prisma.Sql, bound: Prisma.Sql | '' | null | undefined): Promise<boolean> {
    if (!bound) return false
    const [row] = await this.#client.$queryRaw<{ there: boolean }[]>`
      SELECT EXISTS (SELECT 1 FROM "Asset" a WHERE ${filter} AND ${bound}) AS there`
    return row!.there
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
          "collections" = n."collections", "words" = change."words"::tsvector, "wordsRevision" = ${wordsRevision}::int,
          "updatedAt" = now()
        FROM jsonb_to_recordset(${json}::jsonb) AS change("id" text, "was" jsonb, "becomes" jsonb, "words" text)
        CROSS JOIN LATERAL jsonb_to_record(change."was") AS o(${labelColumns})
        CROSS JOIN LATERAL jsonb_to_record(change."becomes") AS n(${labelColumns})
        WHERE a."id" = change."id"
          AND (a."name", a."title", a."description", a."tags", a."collections")
            IS NOT DISTINCT FROM (o."name", o."title", o."description", o."tags", o."collections")
        RETURNING ${columns}`
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
      if (rows.length > 0) this.#options.changed?.()
      return rows
    })
  }

  count(where?: AssetFilter | null): Promise<number> {
    const filter = filterSql(where)
    if (!filter) return mapDriverErrors(() => this.#client.asset.count())
    return mapDriverErrors(async () => {
      const [row] = await this.#client.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM "Asset" a WHERE ${filter}`
      return row!.count
    })
  }
}

const labelsOf = ({ name, title, description, tags, collections }: AssetRow) => ({
  name,
  title,
  description,
  tags,
  collections,
})

/** The fields that a patch gives; an absent one is left as it is. */
const given = (patch: AssetPatch) =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
