import { Prisma, type PrismaClient } from './client/client.ts'
import { filterSql } from './filter.ts'
import { newAssetId } from './ids.ts'
import type { AssetPage, AssetPageRequest, AssetPatch, AssetRow, Assets, NewAsset } from './types.ts'

export class PrismaAssets implements Assets {
  readonly #client: PrismaClient
  constructor(client: PrismaClient) {
    this.#client = client
  }

  async add(asset: NewAsset): Promise<{ row: AssetRow; duplicate: boolean }> {
    for (;;) {
      const inserted = await this.#client.asset.createManyAndReturn({
        data: [{ ...asset, id: newAssetId() }],
        skipDuplicates: true,
      })
      if (inserted[0]) return { row: inserted[0], duplicate: false }
      const row = await this.#client.asset.findUnique({ where: { contentHash: asset.contentHash } })
      // Deleted between the two statements: then it can be inserted.
      if (row) return { row, duplicate: true }
    }
  }

  async byIds(ids: readonly string[]): Promise<Map<string, AssetRow>> {
    if (ids.length === 0) return new Map()
    const rows = await this.#client.asset.findMany({ where: { id: { in: [...ids] } } })
    return new Map(rows.map((row) => [row.id, row]))
  }

  async byHashes(hashes: readonly string[]): Promise<Map<string, AssetRow>> {
    if (hashes.length === 0) return new Map()
    const rows = await this.#client.asset.findMany({ where: { contentHash: { in: [...hashes] } } })
    return new Map(rows.map((row) => [row.contentHash, row]))
  }

  async page({ where, first, after, last, before }: AssetPageRequest): Promise<AssetPage> {
    const backward = first == null
    const size = first ?? last ?? 0
    const bounds = [
      filterSql(where),
      after != null ? Prisma.sql`a."id" < ${after}` : null,
      before != null ? Prisma.sql`a."id" > ${before}` : null,
    ].filter((bound) => bound !== null)
    const condition = bounds.length > 0 ? Prisma.sql`WHERE ${Prisma.join(bounds, ' AND ')}` : Prisma.empty
    const found = await this.#client.$queryRaw<AssetRow[]>`
      SELECT a.* FROM "Asset" a ${condition}
      ORDER BY a."id" ${backward ? Prisma.sql`ASC` : Prisma.sql`DESC`} LIMIT ${size + 1}`
    const rows = found.slice(0, size)
    const more = found.length > size
    // What lies on the other side of the cursor is known to be there: the cursor came from it.
    return backward
      ? { rows: rows.reverse(), hasPreviousPage: more, hasNextPage: before != null }
      : { rows, hasNextPage: more, hasPreviousPage: after != null }
  }

  async update(id: string, patch: AssetPatch): Promise<AssetRow | null> {
    const [row] = await this.#client.asset.updateManyAndReturn({ where: { id }, data: patch })
    return row ?? null
  }

  async delete(ids: readonly string[]): Promise<AssetRow[]> {
    if (ids.length === 0) return []
    return this.#client.$queryRaw<AssetRow[]>`DELETE FROM "Asset" WHERE "id" = ANY(${[...ids]}::text[]) RETURNING *`
  }

  count(): Promise<number> {
    return this.#client.asset.count()
  }
}
