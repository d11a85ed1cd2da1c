/** SQL of the counts: where values come from, and a page of them. */
import { Prisma } from '../generated/client.ts'
import type { ValueRequest } from '../types.ts'
import { facets } from './facets.ts'

/** The images that are counted: what `condition` keeps, with the columns that the facets read. */
export function keptImages(requests: readonly ValueRequest[], condition: Prisma.Sql): Prisma.Sql {
  const columns = new Set(requests.flatMap(({ facet }) => facets[facet].columns))
  const list = [...columns].map((column) => `a."${column}"`).join(', ')
  return Prisma.sql`kept AS MATERIALIZED (SELECT ${Prisma.raw(list)} FROM "Asset" a WHERE ${condition})`
}

/** Of what the triggers keep: sums of both tables. */
export const keptCounts = (facet: string, more = Prisma.empty): Prisma.Sql => Prisma.sql`
  SELECT one."key", one."label", sum(one."count") AS count FROM (
    SELECT "key", "label", "count" FROM "AssetCount" WHERE "facet" = ${facet} ${more}
    UNION ALL
    SELECT "key", "label", "count" FROM "AssetCountChange" WHERE "facet" = ${facet} ${more}
  ) AS one GROUP BY one."key", one."label" HAVING sum(one."count") > 0`

/** A path with what lies below it comes before its neighbours. */
const byKey = Prisma.sql`replace(value.key, '/', chr(1)) COLLATE "C"`

/**
 * One page as one row: `total` and `values`. `source` gives key, label and count; `scale` is what one image of a sample
 * stands for.
 */
export function valuePage(request: ValueRequest, source: Prisma.Sql, scale: Prisma.Sql): Prisma.Sql {
  const { orderBy, first, after } = request
  const behind = !after
    ? Prisma.sql`TRUE`
    : orderBy === 'NAME'
      ? Prisma.sql`${byKey} > replace(${after.key}::text, '/', chr(1)) COLLATE "C"`
      : Prisma.sql`(value.count < ${after.count}::float8 OR (value.count = ${after.count}::float8
          AND ${byKey} > replace(${after.key}::text, '/', chr(1)) COLLATE "C"))`
  const sorting = orderBy === 'NAME' ? byKey : Prisma.sql`value.count DESC, ${byKey}`
  return Prisma.sql`
    WITH value AS MATERIALIZED (
      SELECT counted.key, (array_agg(counted.label ORDER BY counted.count DESC, counted.label COLLATE "C"))[1] AS label,
        round(sum(counted.count) * ${scale})::float8 AS count
      FROM (${source}) AS counted WHERE ${wanted(request)} GROUP BY counted.key
    )
    SELECT (SELECT count(*)::int FROM value) AS total, (
      SELECT coalesce(json_agg(page), '[]') FROM (
        SELECT value.key, value.label, value.count FROM value WHERE ${behind} ORDER BY ${sorting} LIMIT ${first + 1}::int
      ) AS page
    ) AS "values"`
}

function wanted({ facet, prefix, under, depth }: ValueRequest): Prisma.Sql {
  const conditions: Prisma.Sql[] = []
  if (prefix) {
    const begins = Prisma.sql`starts_with(counted.key, limn_fold(${prefix}::text))`
    conditions.push(
      facet === 'collections'
        ? Prisma.sql`(${begins} OR starts_with(regexp_replace(counted.key, '^.*/', ''), limn_fold(${prefix}::text)))`
        : begins,
    )
  }
  if (under) conditions.push(Prisma.sql`starts_with(counted.key, limn_fold(${under}::text) || '/')`)
  if (depth != null) {
    const levels = depth + (under ? under.split('/').length : 0)
    conditions.push(Prisma.sql`cardinality(string_to_array(counted.key, '/')) <= ${levels}::int`)
  }
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`TRUE`
}
