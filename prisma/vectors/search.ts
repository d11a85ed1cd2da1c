/**
 * Search by inner product, with filters inside the scan.
 *
 * pgvector filters after its index scan, so a filter that keeps little starves it. Hence three ways, by how many rows
 * there are to look at: an exact scan of a small library; an exact scan of what a selective filter keeps; the HNSW
 * index, scanned iteratively, with every candidate scored again in full precision. Where the index gives up, an exact
 * scan follows as long as the library is not too large for one.
 */
import type pg from 'pg'
import type { IndexFormat, SearchLimits } from '../backends/backend.ts'
import { filterSql } from '../filter.ts'
import { Prisma } from '../generated/client.ts'
import type { SearchHits, SearchPosition, SearchRequest } from '../types.ts'
import { encodeVector, type Space, type VectorIndex, vectorIndex } from './sql.ts'
import type { LibraryStats } from './stats.ts'

/** pgvector's highest ef_search. */
const maxCandidates = 1000
/** How long a filter is taken for unselective that once kept too much for an exact scan. */
const unselectiveMs = 30_000

/** More rows than wanted: the exact scores then correct the order that the index's precision gave. */
const firstFetch = (wanted: number) => wanted + Math.max(16, wanted)

type Row = SearchPosition

export interface VectorSearchOptions {
  pool: pg.Pool
  format: IndexFormat
  limits: SearchLimits
  stats: LibraryStats
}

export class VectorSearch {
  readonly #pool: pg.Pool
  readonly #format: IndexFormat
  readonly #limits: SearchLimits
  readonly #stats: LibraryStats
  /** Filters that keep too much for an exact scan, by the time until which that is believed. */
  readonly #unselective = new Map<string, number>()

  constructor({ pool, format, limits, stats }: VectorSearchOptions) {
    this.#pool = pool
    this.#format = format
    this.#limits = limits
    this.#stats = stats
  }

  /** `request.query` has the space's length. */
  async run(space: Space, request: SearchRequest): Promise<SearchHits> {
    const [stored, complete] = await Promise.all([
      this.#stats.rows(space.revision),
      this.#stats.complete(space.revision),
    ])
    const { rows, truncated } = await this.#find(space, request, stored)
    return {
      hits: rows.slice(0, request.first),
      hasNextPage: rows.length > request.first,
      truncated: truncated || !complete,
    }
  }

  /** Up to first + 1 rows. */
  async #find(
    space: Space,
    request: SearchRequest,
    stored: number,
  ): Promise<{ rows: Row[]; truncated: boolean }> {
    const filter = filterSql(request.where)
    const scan = { space, request, filter, query: encodeVector(request.query) }
    if (stored <= this.#limits.exactBelow) return { rows: await this.#exact(scan), truncated: false }
    if (filter) {
      const kept = await this.#exactOfKept(scan, this.#maxKept(stored, request.first))
      if (kept) return { rows: kept, truncated: false }
    }
    const near = await this.#indexed(scan)
    if (near) return { rows: near, truncated: false }
    if (stored <= this.#limits.fallback) return { rows: await this.#exact(scan), truncated: false }
    return this.#indexedBehindCursor(scan)
  }

  /**
   * Where both ways cost the same. A filter that keeps k of n rows costs an exact scan k lookups and the index
   * fetch * n / k rows to be passed: equal at k = sqrt(fetch * n * indexRowCost).
   */
  #maxKept(stored: number, first: number): number {
    return Math.ceil(Math.sqrt(firstFetch(first + 1) * stored * this.#limits.indexRowCost))
  }

  #exact(scan: Scan): Promise<Row[]> {
    const { space, query, filter } = scan
    // No cast to the index's type: the planner shall not take the index.
    const join = filter
      ? Prisma.sql`JOIN "Asset" a ON a."id" = s."assetId" WHERE ${filter} AND`
      : Prisma.sql`WHERE`
    return this.#rows(Prisma.sql`
      SELECT "assetId", product FROM (
        SELECT s."assetId", -(s.v <#> ${query}::vector) AS product FROM "AssetVector" s ${join} s."revision" = ${space.revision}
        OFFSET 0
      ) scored ${behindCursor(scan)} ORDER BY product DESC, "assetId" LIMIT ${scan.request.first + 1}::int`)
  }

  /** Null when the filter keeps too much. */
  async #exactOfKept(scan: Scan, limit: number): Promise<Row[] | null> {
    const { space, query, filter, request } = scan
    const key = JSON.stringify(request.where)
    if ((this.#unselective.get(key) ?? 0) > Date.now()) return null
    // OFFSET 0 keeps the lookups by primary key: a bad estimate would make a scan of all vectors of them.
    const rows = await this.#rows<Row & { kept: number }>(Prisma.sql`
      WITH kept AS MATERIALIZED (SELECT a."id" FROM "Asset" a WHERE ${filter!} LIMIT ${limit + 1}::int)
      SELECT (SELECT count(*)::int FROM kept) AS kept, best.* FROM (SELECT) one LEFT JOIN LATERAL (
        SELECT "assetId", product FROM (
          SELECT kept."id" AS "assetId", scored.product FROM kept CROSS JOIN LATERAL (
            SELECT -(s.v <#> ${query}::vector) AS product FROM "AssetVector" s
            WHERE s."assetId" = kept."id" AND s."revision" = ${space.revision} OFFSET 0
          ) scored WHERE (SELECT count(*) FROM kept) <= ${limit}::int OFFSET 0
        ) scored ${behindCursor(scan)} ORDER BY product DESC, "assetId" LIMIT ${request.first + 1}::int
      ) best ON TRUE ORDER BY best.product DESC, best."assetId"`)
    if (rows[0]!.kept > limit) {
      if (this.#unselective.size > 1000) this.#unselective.clear()
      this.#unselective.set(key, Date.now() + unselectiveMs)
      return null
    }
    return rows.filter((row) => row.assetId !== null).map(({ assetId, product }) => ({ assetId, product }))
  }

  /**
   * The nearest by the index, more and more of them until the page behind the cursor is sure. Null when the index gives
   * too little.
   *
   * The cursor is no condition of the scan: an iterative scan in relaxed order would then return some rows behind it,
   * not the first ones.
   */
  async #indexed(scan: Scan): Promise<Row[] | null> {
    const { request, space } = scan
    const index = vectorIndex(this.#format, space)
    const wanted = request.first + 1
    const error = this.#limits.error * Math.hypot(...request.query)
    for (let fetch = firstFetch(wanted); fetch <= maxCandidates; fetch *= 4) {
      const { rows, cursor } = await this.#nearest(scan, index, fetch)
      if (rows.length < fetch) return null
      const behind = cursor ? rows.filter((row) => isBehind(row, cursor)) : rows
      const end = behind[wanted - 1]
      // A row that the index's precision put just below the last fetched one may belong on the page.
      if (end && end.product - rows.at(-1)!.product > error) return behind.slice(0, wanted)
    }
    return null
  }

  /** For libraries too large for an exact scan: the cursor as a condition, up to where pgvector stops. */
  async #indexedBehindCursor(scan: Scan): Promise<{ rows: Row[]; truncated: boolean }> {
    const index = vectorIndex(this.#format, scan.space)
    const fetch = Math.max(maxCandidates, scan.request.first + 1)
    const { rows } = await this.#nearest(scan, index, fetch, true)
    return { rows: rows.slice(0, scan.request.first + 1), truncated: true }
  }

  /** By product in full precision, and the cursor with the product that its asset has for this query. */
  async #nearest(
    scan: Scan,
    index: VectorIndex,
    fetch: number,
    fromCursor = false,
  ): Promise<{ rows: Row[]; cursor: SearchPosition | null }> {
    const { query, filter, request } = scan
    const type = Prisma.raw(index.type)
    // A subplan, not a join: a join could be planned as a hash of all rows and a sort.
    const keep = filter
      ? Prisma.sql`AND (SELECT TRUE FROM "Asset" a WHERE a."id" = s."assetId" AND ${filter})`
      : Prisma.empty
    const cursor = request.after ? cursorSql(scan) : Prisma.sql`NULL::float8`
    const behind =
      fromCursor && request.after
        ? Prisma.sql`AND ${isBehindSql(scan, Prisma.sql`-(s.v <#> ${query}::vector)`, Prisma.sql`s."assetId"`)}`
        : Prisma.empty
    const rows = await this.#rows<Row & { cursor: number | null }>(
      Prisma.sql`
        WITH near AS MATERIALIZED (
          SELECT s."assetId", s.v FROM "AssetVector" s WHERE s.${Prisma.raw(index.predicate)} ${keep} ${behind}
          ORDER BY s.${Prisma.raw(index.expression.slice(1, -1))} <#> ${query}::vector::${type} LIMIT ${fetch}::int
        )
        SELECT "assetId", -(v <#> ${query}::vector) AS product, ${cursor} AS cursor FROM near ORDER BY product DESC, "assetId"`,
      scanSettings(Math.min(maxCandidates, Math.max(this.#limits.candidates, Math.ceil(fetch * 1.5)))),
    )
    const product = rows[0]?.cursor
    return {
      rows: rows.map(({ assetId, product }) => ({ assetId, product })),
      cursor: request.after && product != null ? { assetId: request.after.assetId, product } : null,
    }
  }

  /** With settings: in a transaction of their own. */
  async #rows<T = Row>({ text, values }: Prisma.Sql, settings?: string): Promise<T[]> {
    if (!settings) return (await this.#pool.query(text, values)).rows as T[]
    const client = await this.#pool.connect()
    try {
      await client.query(`BEGIN READ ONLY; ${settings}`)
      const { rows } = await client.query(text, values)
      // Nothing was written: the answer need not wait for it.
      client.query('COMMIT').then(
        () => client.release(),
        (error) => client.release(error),
      )
      return rows as T[]
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  }
}

interface Scan {
  space: Space
  request: SearchRequest
  filter: Prisma.Sql | null
  query: Buffer
}

/**
 * Sorts and sequential scans are off so that the order can come from the index alone, whatever the planner's
 * statistics say after a bulk load; what that does to its cost estimate would otherwise call for JIT compilation.
 */
const scanSettings = (candidates: number) =>
  `SET LOCAL hnsw.ef_search = ${candidates}; SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.max_scan_tuples = 40000; SET LOCAL hnsw.scan_mem_multiplier = 4; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off`

/**
 * The product at which a page ended, for the present query: a query that was encoded again may differ in its last
 * bits. The cursor's own number serves where its asset is gone.
 */
function cursorSql({ request, space, query }: Scan): Prisma.Sql {
  const { assetId, product, fixed } = request.after!
  if (fixed) return Prisma.sql`${product}::float8`
  return Prisma.sql`(SELECT coalesce((SELECT -(c.v <#> ${query}::vector) FROM "AssetVector" c WHERE c."assetId" = ${assetId} AND c."revision" = ${space.revision}), ${product}::float8))`
}

function isBehindSql(scan: Scan, product: Prisma.Sql, id: Prisma.Sql): Prisma.Sql {
  const { assetId } = scan.request.after!
  return Prisma.sql`(${product} < ${cursorSql(scan)} OR (${product} = ${cursorSql(scan)} AND ${id} > ${assetId}))`
}

function behindCursor(scan: Scan): Prisma.Sql {
  if (!scan.request.after) return Prisma.empty
  return Prisma.sql`WHERE ${isBehindSql(scan, Prisma.sql`product`, Prisma.sql`"assetId"`)}`
}

const isBehind = (row: Row, cursor: SearchPosition) =>
  row.product < cursor.product || (row.product === cursor.product && row.assetId > cursor.assetId)
