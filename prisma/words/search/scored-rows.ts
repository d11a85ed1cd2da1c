import type pg from 'pg'
import { filterSql } from '../../filter.ts'
import { Prisma } from '../../generated/client.ts'
import type { AssetFilter, WordHit, WordPosition, WordSearchRequest } from '../../types.ts'
import { encodeVector } from '../../vectors/sql.ts'
import type { WordPlan } from '../query/plan.ts'
import { liftSql, meanSql, meanWords, partsSql } from './score.ts'

interface Row {
  assetId: string
  product: number | null
  parts: number[]
  score: number
}

/** Rows scored one by one, words and vectors together. */
export class ScoredRows {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /**
   * The best rows behind the cursor of all that the filter keeps, read whole. Where it keeps more than `limit`, `over` is
   * true and there are no rows, or with `cut` the best of some `limit` of them.
   */
  async best(
    request: WordSearchRequest,
    where: AssetFilter,
    limit: number,
    { cut = false } = {},
  ): Promise<{ rows: WordHit[]; over: boolean }> {
    const kept = Prisma.sql`SELECT a."id", a."words" FROM "Asset" a WHERE ${filterSql(where) ?? Prisma.sql`TRUE`} LIMIT ${limit + 1}::int`
    const all = cut ? Prisma.sql`TRUE` : Prisma.sql`(SELECT count(*) FROM kept) <= ${limit}::int`
    const rows = await this.#rows<Row & { kept: number }>(Prisma.sql`
      WITH kept AS MATERIALIZED (${kept})
      SELECT (SELECT count(*)::int FROM kept) AS kept, best.* FROM (SELECT) one LEFT JOIN LATERAL (
        SELECT * FROM (${scoredSql(request, Prisma.sql`kept`, all)}) scored
        ${behind(request.after)} ORDER BY score DESC, "assetId" LIMIT ${request.first + 1}::int
      ) best ON TRUE ORDER BY best.score DESC, best."assetId"`)
    return {
      over: rows[0]!.kept > limit,
      rows: rows.filter(({ assetId }) => assetId !== null).map((row) => hitOf(request.plan, row)),
    }
  }

  /** The ids that a filter keeps, from behind one on, in order. */
  async ids(where: AssetFilter, after: string | null, limit: number): Promise<string[]> {
    const from = after === null ? Prisma.sql`TRUE` : Prisma.sql`a."id" > ${after}`
    const rows = await this.#rows<{ id: string }>(
      Prisma.sql`SELECT a."id" FROM "Asset" a WHERE ${filterSql(where) ?? Prisma.sql`TRUE`} AND ${from} ORDER BY a."id" LIMIT ${limit}::int`,
    )
    return rows.map(({ id }) => id)
  }

  /** These assets, in no order; those that are gone are absent. */
  async ofIds(request: WordSearchRequest, ids: readonly string[]): Promise<WordHit[]> {
    if (ids.length === 0) return []
    const rows = await this.#rows<Row>(
      scoredSql(request, Prisma.sql`"Asset"`, Prisma.sql`w."id" = ANY(${[...ids]}::text[])`),
    )
    return rows.map((row) => hitOf(request.plan, row))
  }

  /** Those of the assets that fulfil one of the conditions. */
  async having(query: string, ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set()
    const rows = await this.#rows<{ id: string }>(
      Prisma.sql`SELECT a."id" FROM "Asset" a WHERE a."id" = ANY(${[...ids]}::text[]) AND a."words" @@ ${query}::tsquery`,
    )
    return new Set(rows.map(({ id }) => id))
  }

  async #rows<T>({ text, values }: Prisma.Sql): Promise<T[]> {
    return (await this.#pool.query(text, values)).rows as T[]
  }
}

/** The rows of `table`, which has the columns of assets and is called w, that fulfil a condition. */
function scoredSql({ plan, meaning }: WordSearchRequest, table: Prisma.Sql, where: Prisma.Sql): Prisma.Sql {
  const parts = Prisma.sql`CROSS JOIN LATERAL (SELECT ${partsSql(plan)} AS parts OFFSET 0) p`
  if (!meaning)
    return Prisma.sql`SELECT w."id" AS "assetId", NULL::float8 AS product, p.parts, ${meanSql(plan)} AS score
      FROM ${table} w ${parts} WHERE ${where} OFFSET 0`
  // OFFSET 0 within: looked up by its key, whatever the planner expects.
  return Prisma.sql`SELECT w."id" AS "assetId", v.product, p.parts,
      coalesce(v.product, 0) + ${liftSql(plan, meaning.strength)} AS score
    FROM ${table} w ${parts} LEFT JOIN LATERAL (
      SELECT -(s.v <#> ${encodeVector(meaning.query)}::vector) AS product FROM "AssetVector" s
      WHERE s."assetId" = w."id" AND s."revision" = ${meaning.revision} OFFSET 0
    ) v ON TRUE WHERE ${where} OFFSET 0`
}

function behind(after: WordPosition | null | undefined): Prisma.Sql {
  if (!after) return Prisma.sql`WHERE score > 0 OR product IS NOT NULL`
  const { score, assetId } = after
  return Prisma.sql`WHERE (score < ${score}::float8 OR (score = ${score}::float8 AND "assetId" > ${assetId}))
    AND (score > 0 OR product IS NOT NULL)`
}

const hitOf = (plan: WordPlan, { assetId, product, parts, score }: Row): WordHit => ({
  ...{ assetId, product, score },
  words: meanWords(plan, parts),
})
