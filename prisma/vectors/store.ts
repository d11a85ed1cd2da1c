/** Vectors of assets: stored, read, searched. This folder and backends/ alone know pgvector. */
import type pg from 'pg'
import { assetColumns } from '../asset-columns.ts'
import type { Backend, SearchLimits } from '../backends/backend.ts'
import { withoutTimeLimits } from '../backends/time-limits.ts'
import { mapDriverErrors, VectorError } from '../errors.ts'
import type { AssetRow, Progress, SearchHits, SearchRequest, Vectors } from '../types.ts'
import { VectorSearch } from './search.ts'
import { checkSpace, checkVector, decodeVector, encodeVectors, type Space, vectorIndex } from './sql.ts'
import { LibraryStats } from './stats.ts'

/** Rows of one statement: bounds its memory on both sides. */
const batch = 500
/** Rows stored after which the planner's statistics are renewed. */
const analyseAfter = 5000

export class PgVectors implements Vectors {
  readonly #pool: pg.Pool
  readonly #backend: Backend
  readonly #spaces = new Map<string, Space>()
  readonly #stats: LibraryStats
  readonly #search: VectorSearch
  #unanalysed = 0
  /** Of the type vector: an extension's types have other numbers in each database. */
  #oid: number | null = null

  constructor(pool: pg.Pool, backend: Backend, limits: SearchLimits = backend.searchLimits) {
    this.#pool = pool
    this.#backend = backend
    this.#stats = new LibraryStats(pool)
    this.#search = new VectorSearch({ pool, format: backend.index, limits, stats: this.#stats })
  }

  /** To be called after assets came or went. */
  assetsChanged() {
    this.#stats.changed()
  }

  /**
   * Also builds the index of rows that are there already, which takes a while: minutes for a million.
   * @throws VectorError when the revision is known with other dimensions
   */
  async register({ revision, name, dimensions }: Space): Promise<void> {
    checkSpace(revision, dimensions)
    await mapDriverErrors(async () => {
      const { rows } = await this.#pool.query<Space>(
        `INSERT INTO "IndexedModel" ("revision", "name", "dimensions") VALUES ($1, $2, $3)
         ON CONFLICT ("revision") DO UPDATE SET "name" = EXCLUDED."name" RETURNING "revision", "name", "dimensions"`,
        [revision, name, dimensions],
      )
      const space = rows[0]!
      if (space.dimensions !== dimensions)
        throw new VectorError(
          `The library has vectors of the model "${name}" (${revision}) with ${space.dimensions} dimensions; the model now has ${dimensions}. Nothing was touched.`,
        )
      await withoutTimeLimits(this.#pool, (client) => this.#ensureIndex(client, space))
      this.#spaces.set(revision, space)
    })
  }

  async #ensureIndex(client: pg.ClientBase, space: Space) {
    const index = vectorIndex(this.#backend.index, space)
    try {
      // Two servers that start at once: the second waits and finds the index there.
      await client.query('SELECT pg_advisory_lock(hashtext($1))', [index.name])
      const { rows } = await client.query(
        `SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)) AS valid,
                (SELECT count(*)::int FROM "AssetVector" WHERE "revision" = $2) AS stored`,
        [`"${index.name}"`, space.revision],
      )
      const { valid, stored } = rows[0]
      if (valid) return
      // PostgreSQL never uses the rest of an interrupted concurrent build.
      if (valid === false) await client.query(`DROP INDEX "${index.name}"`)
      if (stored > 0) await buildSettings(client, stored, space.dimensions)
      await client.query(index.create(this.#backend.buildsConcurrently && stored > 0))
    } finally {
      await client.query('RESET maintenance_work_mem').catch(() => {})
      await client.query('SELECT pg_advisory_unlock(hashtext($1))', [index.name]).catch(() => {})
    }
  }

  async registered(): Promise<Space[]> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<Space>(
        'SELECT "revision", "name", "dimensions" FROM "IndexedModel" ORDER BY "createdAt", "revision"',
      ),
    )
    return rows
  }

  async put(
    revision: string,
    rows: readonly { assetId: string; vector: Float32Array }[],
    { ready = false }: { ready?: boolean } = {},
  ): Promise<void> {
    if (rows.length === 0) return
    const space = await this.#space(revision)
    for (const { vector } of rows) checkVector(vector, space)
    // The last one of an asset counts; a statement may not touch a row twice. Sorted, so that two calls never wait
    // for each other's locks.
    const latest = new Map(rows.map(({ assetId, vector }) => [assetId, vector]))
    const sorted = [...latest].sort(([a], [b]) => (a < b ? -1 : 1))
    await mapDriverErrors(async () => {
      for (let i = 0; i < sorted.length; i += batch)
        await this.#putBatch(revision, sorted.slice(i, i + batch), ready)
    })
    this.#stats.changed()
    await this.#analyse(sorted.length)
  }

  /** The embedded database has no autovacuum, and PostgreSQL's comes a minute after a bulk load. */
  async #analyse(rows: number) {
    this.#unanalysed += rows
    if (this.#unanalysed < analyseAfter) return
    this.#unanalysed = 0
    await mapDriverErrors(() => this.#pool.query('ANALYZE "Asset", "AssetVector"'))
  }

  async #putBatch(revision: string, rows: readonly [string, Float32Array][], ready: boolean) {
    const ids = rows.map(([id]) => id)
    const vectors = encodeVectors(
      rows.map(([, vector]) => vector),
      await this.#vectorOid(),
    )
    const lock = ready ? 'FOR NO KEY UPDATE' : 'FOR KEY SHARE'
    const update = ready
      ? `UPDATE "Asset" a SET "status" = 'READY', "error" = NULL, "updatedAt" = now() FROM present
         WHERE a."id" = present."id" AND a."status" <> 'READY'`
      : 'SELECT'
    await this.#pool.query(
      `WITH present AS MATERIALIZED (SELECT "id" FROM "Asset" WHERE "id" = ANY($2::text[]) ORDER BY "id" ${lock}),
       stored AS (
         INSERT INTO "AssetVector" ("assetId", "revision", "v")
         SELECT given.id, $1, given.v FROM unnest($2::text[], $3::vector[]) AS given(id, v) JOIN present USING ("id")
         ON CONFLICT ("assetId", "revision") DO UPDATE SET "v" = EXCLUDED."v" WHERE "AssetVector"."v" <> EXCLUDED."v"
       ) ${update}`,
      [revision, ids, vectors],
    )
  }

  async get(revision: string, assetIds: readonly string[]): Promise<Map<string, Float32Array>> {
    if (assetIds.length === 0) return new Map()
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ assetId: string; v: Buffer }>(
        'SELECT "assetId", vector_send("v") AS v FROM "AssetVector" WHERE "assetId" = ANY($1::text[]) AND "revision" = $2',
        [[...new Set(assetIds)], revision],
      ),
    )
    return new Map(rows.map(({ assetId, v }) => [assetId, decodeVector(v)]))
  }

  async missing(revision: string, limit: number, after: string | null = null): Promise<AssetRow[]> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<AssetRow>(
        `SELECT ${assetColumns} FROM "Asset" a WHERE a."status" <> 'FAILED' AND ($3::text IS NULL OR a."id" > $3)
         AND NOT EXISTS (SELECT 1 FROM "AssetVector" s WHERE s."assetId" = a."id" AND s."revision" = $1)
         ORDER BY a."id" LIMIT $2`,
        [revision, limit, after],
      ),
    )
    return rows
  }

  async fail(assetId: string, reason: string): Promise<void> {
    await mapDriverErrors(() =>
      this.#pool.query(
        `UPDATE "Asset" SET "status" = 'FAILED', "error" = $2, "updatedAt" = now() WHERE "id" = $1`,
        [assetId, reason],
      ),
    )
    this.#stats.changed()
  }

  async progress(revision: string): Promise<Progress> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ stored: number; failed: number; total: number }>(
        `SELECT count(s."assetId")::int AS stored,
                (count(*) FILTER (WHERE s."assetId" IS NULL AND a."status" = 'FAILED'))::int AS failed,
                count(*)::int AS total
         FROM "Asset" a LEFT JOIN "AssetVector" s ON s."assetId" = a."id" AND s."revision" = $1`,
        [revision],
      ),
    )
    const { stored, failed, total } = rows[0]!
    return { done: stored + failed, failed, total }
  }

  async search(request: SearchRequest): Promise<SearchHits> {
    const space = await this.#space(request.revision)
    checkVector(request.query, space)
    return mapDriverErrors(() => this.#search.run(space, request))
  }

  async #space(revision: string): Promise<Space> {
    const known = this.#spaces.get(revision)
    if (known) return known
    for (const space of await this.registered()) this.#spaces.set(space.revision, space)
    const found = this.#spaces.get(revision)
    if (!found) throw new VectorError(`The model revision "${revision}" is not registered with the library.`)
    return found
  }

  async #vectorOid(): Promise<number> {
    this.#oid ??= (await this.#pool.query(`SELECT 'vector'::regtype::oid::int AS oid`)).rows[0].oid as number
    return this.#oid
  }
}

/** Memory for the whole graph where that is under 1 GB: a build that no longer fits is many times slower. */
async function buildSettings(client: pg.ClientBase, rows: number, dimensions: number) {
  const graph = rows * (dimensions * 4 + 400)
  const megabytes = Math.min(1024, Math.ceil(graph / 1024 ** 2) + 64)
  await client.query(
    `SELECT set_config('maintenance_work_mem', $1, false) WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < $2`,
    [`${megabytes}MB`, megabytes * 1024 ** 2],
  )
}
