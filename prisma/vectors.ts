/** Everything that pgvector does for Limn: storing vectors, their indexes, and search over them (search.ts). */
import { Prisma, type PrismaClient } from './client/client.ts'
import { WrongDimensions } from './errors.ts'
import { search, type VectorSpace } from './search.ts'
import type { AssetRow, DatabaseInfo, SearchHits, SearchRequest, Vectors } from './types.ts'

export class PgVectors implements Vectors {
  readonly #client: PrismaClient
  readonly #kind: DatabaseInfo['kind']
  /** Rows put since the planner's statistics were made. */
  #unanalysed = 0

  constructor(client: PrismaClient, kind: DatabaseInfo['kind']) {
    this.#client = client
    this.#kind = kind
  }

  #space(revision: string, dimensions: number): VectorSpace {
    // Both go into SQL as they stand: an index's condition must be a literal.
    if (!/^[0-9a-z_-]{1,64}$/.test(revision)) throw new Error(`not a revision: ${revision}`)
    // WebAssembly converts half floats in software: an index build there takes seven times as long.
    const scan = this.#kind === 'embedded' ? 'vector' : 'halfvec'
    return { revision, dimensions, scan, kind: this.#kind }
  }

  async register({ revision, name, dimensions }: { revision: string; name: string; dimensions: number }): Promise<void> {
    const { scan } = this.#space(revision, dimensions)
    await this.#client.$executeRaw`
      INSERT INTO "IndexedModel" ("revision", "name", "dimensions") VALUES (${revision}, ${name}, ${dimensions})
      ON CONFLICT ("revision") DO NOTHING`
    const index = `AssetVector_${revision}_hnsw`
    const [state] = await this.#client.$queryRaw<{ valid: boolean }[]>`
      SELECT i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = ${index}`
    if (state?.valid) return
    // A concurrent build that was interrupted leaves an invalid index.
    if (state) await this.#client.$executeRawUnsafe(`DROP INDEX IF EXISTS "${index}"`)
    const concurrently = this.#kind === 'postgres' ? 'CONCURRENTLY' : ''
    await this.#client.$executeRawUnsafe(
      `CREATE INDEX ${concurrently} IF NOT EXISTS "${index}" ON "AssetVector"
       USING hnsw ((v::${scan}(${dimensions})) ${scan}_ip_ops) WITH (m = 16, ef_construction = 100)
       WHERE revision = '${revision}'`,
    )
  }

  registered() {
    return this.#client.indexedModel.findMany({
      select: { revision: true, name: true, dimensions: true },
      orderBy: { createdAt: 'asc' },
    })
  }

  async put(
    revision: string,
    rows: readonly { assetId: string; vector: Float32Array }[],
    { ready = false }: { ready?: boolean } = {},
  ): Promise<void> {
    if (rows.length === 0) return
    const ids = rows.map(({ assetId }) => assetId)
    const vectors = rows.map(({ vector }) => vectorText(vector))
    // In id order, so that two writers of the same rows wait for each other instead of locking each other out.
    const store = this.#client.$executeRaw`
      INSERT INTO "AssetVector" ("assetId", "revision", "v")
      SELECT a."id", ${revision}, given.v::vector
      FROM unnest(${ids}::text[], ${vectors}::text[]) AS given(id, v)
      JOIN "Asset" a ON a."id" = given.id
      ORDER BY a."id"
      FOR KEY SHARE OF a
      ON CONFLICT ("assetId", "revision") DO UPDATE SET "v" = EXCLUDED."v"`
    const mark = this.#client.$executeRaw`
      UPDATE "Asset" SET "status" = 'READY', "error" = NULL WHERE "id" = ANY(${ids}::text[])`
    const steps: Prisma.PrismaPromise<number>[] = ready ? [store, mark] : [store]
    await this.#client.$transaction(steps)
    await this.#analyse(rows.length)
  }

  /** The embedded database has no autovacuum, and PostgreSQL's comes a minute after a bulk load. */
  async #analyse(rows: number): Promise<void> {
    this.#unanalysed += rows
    if (this.#unanalysed < 2000) return
    this.#unanalysed = 0
    await this.#client.$executeRawUnsafe('ANALYZE "Asset", "AssetVector"')
  }

  async get(revision: string, assetIds: readonly string[]): Promise<Map<string, Float32Array>> {
    if (assetIds.length === 0) return new Map()
    const rows = await this.#client.$queryRaw<{ assetId: string; v: string }[]>`
      SELECT "assetId", encode(vector_send("v"), 'base64') AS v FROM "AssetVector"
      WHERE "revision" = ${revision} AND "assetId" = ANY(${[...assetIds]}::text[])`
    return new Map(rows.map(({ assetId, v }) => [assetId, received(v)]))
  }

  missing(revision: string, limit: number, after: string | null = null): Promise<AssetRow[]> {
    const from = after === null ? Prisma.empty : Prisma.sql`AND a."id" > ${after}`
    return this.#client.$queryRaw<AssetRow[]>`
      SELECT a.* FROM "Asset" a
      WHERE a."status" <> 'FAILED' ${from}
        AND NOT EXISTS (SELECT 1 FROM "AssetVector" s WHERE s."assetId" = a."id" AND s."revision" = ${revision})
      ORDER BY a."id" LIMIT ${limit}`
  }

  async fail(assetId: string, reason: string): Promise<void> {
    await this.#client.asset.updateMany({ where: { id: assetId }, data: { status: 'FAILED', error: reason } })
  }

  search(request: SearchRequest): Promise<SearchHits> {
    const { query, dimensions, revision } = request
    if (query.length !== dimensions) return Promise.reject(new WrongDimensions(query.length, dimensions))
    return search(this.#client, this.#space(revision, dimensions), request)
  }
}

/** pgvector's text form. */
export const vectorText = (vector: Float32Array) => `[${vector.join(',')}]`

/** pgvector's binary form: int16 dimensions, int16 unused, then big-endian float32. */
function received(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64')
  const vector = new Float32Array((bytes.length - 4) / 4)
  for (let i = 0; i < vector.length; i++) vector[i] = bytes.readFloatBE(4 + i * 4)
  return vector
}
