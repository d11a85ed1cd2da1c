/**
 * How many images there are, and of which kinds. Over the whole library the numbers are kept by triggers and exact. Under a
 * filter images are counted where they are few; where they are many a sample of them answers, which the content hash
 * draws: it is spread evenly over all images, whatever they show, and has an index.
 */
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { mapDriverErrors } from '../errors.ts'
import { filterSql } from '../filter.ts'
import { Prisma } from '../generated/client.ts'
import type { AssetFilter, Counts, Total, ValuePage, ValueRequest } from '../types.ts'
import { facets } from './facets.ts'
import { isFolded, type KeptKey, keptKeyOf } from './kept-key.ts'
import { keptCounts, keptImages, valuePage } from './sql.ts'

/** Images of a filter that are counted one by one. */
const exactUpTo = 10_000
/** Where the planner says so many times more, a sample is drawn at once. */
const surelyMany = 3
/** Images of a sample whose values are counted, and of one that is only counted: near 2 % then. */
const sampleSize = 3_000
const countedSize = 2_000
/** The largest part of the library that a sample may be. */
const largestPart = 1 / 16
/** Fewer make no estimate: the planner was wrong. */
const smallestSample = 200
/** How long an estimate is given again, in ms. */
const estimateAge = 10_000

interface PgCountsOptions {
  pool: pg.Pool
  /** Tests take small libraries for large ones. */
  exact?: number
}

export class PgCounts implements Counts {
  readonly #pool: pg.Pool
  readonly #exactUpTo: number
  readonly #estimates = new LRUCache<string, Total>({ max: 200, ttl: estimateAge })

  constructor({ pool, exact = exactUpTo }: PgCountsOptions) {
    this.#pool = pool
    this.#exactUpTo = exact
  }

  total(where?: AssetFilter | null): Promise<Total> {
    return mapDriverErrors(() => this.#total(where ?? null))
  }

  values(
    where: AssetFilter | null,
    requests: readonly ValueRequest[],
    total?: Promise<Total>,
  ): Promise<ValuePage[]> {
    if (requests.length === 0) return Promise.resolve([])
    return mapDriverErrors(() => this.#values(where, requests, total))
  }

  async #total(where: AssetFilter | null): Promise<Total> {
    const condition = filterSql(where)
    const kept = condition ? keptKeyOf(where!) : { facet: 'all', key: '' }
    if (kept) return { count: await this.#kept(kept), isEstimate: false }
    const key = JSON.stringify(where)
    const known = this.#estimates.get(key)
    if (known) return known
    const planned = await this.#planned(condition!)
    if (planned > surelyMany * this.#exactUpTo) {
      const count = await this.#sampled(condition!, planned)
      if (count > 2 * this.#exactUpTo) return this.#estimated(key, count)
    }
    const limit = this.#exactUpTo + 1
    const [row] = await this.#query<{ count: number }>(
      Prisma.sql`SELECT count(*)::int AS count FROM (SELECT 1 FROM "Asset" a WHERE ${condition} LIMIT ${limit}::int) AS kept`,
    )
    if (row!.count < limit) return { count: row!.count, isEstimate: false }
    return this.#estimated(key, Math.max(limit, await this.#sampled(condition!, planned)))
  }

  #estimated(key: string, count: number): Total {
    const total = { count, isEstimate: true }
    this.#estimates.set(key, total)
    return total
  }

  async #kept({ facet, key }: KeptKey): Promise<number> {
    const folded = isFolded(facet) ? Prisma.sql`limn_fold(${key}::text)` : Prisma.sql`${key}`
    const counts = keptCounts(facet, Prisma.sql`AND "key" = ${folded}`)
    const [row] = await this.#query<{ count: number }>(
      Prisma.sql`SELECT coalesce(sum(count), 0)::float8 AS count FROM (${counts}) AS one`,
    )
    return row!.count
  }

  /** What the planner expects, from its statistics. */
  async #planned(condition: Prisma.Sql): Promise<number> {
    const [row] = await this.#query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      Prisma.sql`EXPLAIN (FORMAT JSON) SELECT 1 FROM "Asset" a WHERE ${condition}`,
    )
    return row!['QUERY PLAN'][0].Plan['Plan Rows']
  }

  /** How many there are about, when there are about `expected`. */
  async #sampled(condition: Prisma.Sql, expected: number): Promise<number> {
    const count = async (part: number) => {
      const [row] = await this.#query<{ count: number }>(
        Prisma.sql`SELECT count(*)::int AS count FROM "Asset" a WHERE ${condition} AND ${inSample(part)}`,
      )
      return row!.count
    }
    const part = partFor(expected, countedSize)
    const found = await count(part)
    if (found >= smallestSample || part === largestPart) return Math.round(found / part)
    return Math.round((await count(largestPart)) / largestPart)
  }

  async #values(
    where: AssetFilter | null,
    requests: readonly ValueRequest[],
    known?: Promise<Total>,
  ): Promise<ValuePage[]> {
    const filter = filterSql(where)
    const exact = !filter && requests.every(({ facet }) => facets[facet].kept)
    const total = exact ? null : await (known ?? this.#total(where))
    const sample = total !== null && total.count > this.#exactUpTo
    const condition = Prisma.join(
      [filter ?? Prisma.sql`TRUE`, sample ? inSample(partFor(total.count, sampleSize)) : Prisma.sql`TRUE`],
      ' AND ',
    )
    const scale = sample
      ? Prisma.sql`(SELECT ${total.count}::float8 / greatest(1, count(*)) FROM kept)`
      : Prisma.sql`1`
    const pages = requests.map((request, n) => {
      const { kept, counts } = facets[request.facet]
      const page =
        !filter && kept
          ? valuePage(request, keptCounts(request.facet), Prisma.sql`1`)
          : valuePage(request, Prisma.raw(counts), scale)
      return Prisma.sql`SELECT ${n}::int AS n, page.* FROM (${page}) AS page`
    })
    const images = exact ? Prisma.empty : Prisma.sql`WITH ${keptImages(requests, condition)}`
    const all = await this.#query<{ n: number; total: number; values: ValuePage['values'] }>(
      Prisma.sql`${images} ${Prisma.join(pages, ' UNION ALL ')} ORDER BY n`,
    )
    return all.map(({ n, total: count, values }) => {
      const { first, facet } = requests[n]!
      return {
        values: values.slice(0, first),
        hasNextPage: values.length > first,
        total: count,
        isEstimate: sample && !(!filter && facets[facet].kept),
      }
    })
  }

  async #query<T extends object>({ text, values }: Prisma.Sql): Promise<T[]> {
    return (await this.#pool.query<T>(text, values)).rows
  }
}

const partFor = (expected: number, size: number) => Math.min(largestPart, size / Math.max(1, expected))

/** The part of all images whose hash begins below a number. */
function inSample(part: number): Prisma.Sql {
  const below = Math.max(1, Math.round(part * 16 ** 6))
    .toString(16)
    .padStart(6, '0')
  return Prisma.sql`a."contentHash" < ${below}`
}
