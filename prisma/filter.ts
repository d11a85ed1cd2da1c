import { colourSql, madeOfSql } from './colours/filter.ts'
import { Prisma } from './generated/client.ts'
import type { AssetFilter, WordCondition } from './types.ts'
import { textQuery } from './words/query/tsquery.ts'

/**
 * The condition on "Asset" (aliased `a`) that a filter stands for, or null when it keeps everything. An empty list of
 * alternatives keeps nothing; a blank text keeps everything.
 */
export function filterSql(filter: AssetFilter | null | undefined): Prisma.Sql | null {
  if (!filter) return null
  const conditions: Prisma.Sql[] = []
  const add = (condition: Prisma.Sql) => conditions.push(condition)
  const { ids, collections, tagsAll, tagsAny, mimeTypes, text, orientation } = filter

  if (ids) add(Prisma.sql`a."id" = ANY(${[...ids]}::text[])`)
  if (collections)
    add(Prisma.sql`limn_collection_paths(a."collections") && limn_folded(${[...collections]}::text[])`)
  if (filter.contentHashes) add(Prisma.sql`a."contentHash" = ANY(${[...filter.contentHashes]}::text[])`)
  if (mimeTypes) add(Prisma.sql`a."mimeType" = ANY(${mimeTypes.map((type) => type.toLowerCase())}::text[])`)
  if (tagsAll && tagsAll.length > 0)
    add(Prisma.sql`limn_folded(a."tags") @> limn_folded(${[...tagsAll]}::text[])`)
  if (tagsAny) add(Prisma.sql`limn_folded(a."tags") && limn_folded(${[...tagsAny]}::text[])`)
  if (text?.trim()) add(textSql(text))
  conditions.push(...wordsSql(filter.words))
  if (orientation === 'LANDSCAPE') add(Prisma.sql`a."width" > a."height"`)
  if (orientation === 'PORTRAIT') add(Prisma.sql`a."width" < a."height"`)
  if (orientation === 'SQUARE') add(Prisma.sql`a."width" = a."height"`)
  if (filter.minWidth != null) add(Prisma.sql`a."width" >= ${filter.minWidth}::int`)
  if (filter.minHeight != null) add(Prisma.sql`a."height" >= ${filter.minHeight}::int`)
  if (filter.createdAfter) add(Prisma.sql`a."createdAt" > ${iso(filter.createdAfter)}::timestamptz`)
  if (filter.createdBefore) add(Prisma.sql`a."createdAt" < ${iso(filter.createdBefore)}::timestamptz`)
  for (const colour of filter.colours ?? []) add(colourSql(colour))
  if (filter.colourFamilies) add(Prisma.sql`a."colourFamilies" && ${[...filter.colourFamilies]}::text[]`)
  if (filter.madeOf) add(madeOfSql(filter.madeOf))

  for (const condition of [...moreConditions(filter), ...joined(filter)]) add(condition)

  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : null
}

function* moreConditions(filter: AssetFilter): Generator<Prisma.Sql> {
  const { tagsNone, collectionsNone, untagged, inNoCollection, status } = filter
  if (tagsNone && tagsNone.length > 0)
    yield Prisma.sql`NOT limn_folded(a."tags") && limn_folded(${[...tagsNone]}::text[])`
  if (collectionsNone && collectionsNone.length > 0)
    yield Prisma.sql`NOT limn_collection_paths(a."collections") && limn_folded(${[...collectionsNone]}::text[])`
  // In the words of the indexes, which know of rows that have none.
  if (untagged === true) yield Prisma.sql`limn_folded(a."tags") = '{}'::text[]`
  if (untagged === false) yield Prisma.sql`a."tags" <> '{}'::text[]`
  if (inNoCollection === true) yield Prisma.sql`limn_collection_paths(a."collections") = '{}'::text[]`
  if (inNoCollection === false) yield Prisma.sql`a."collections" <> '{}'::text[]`
  if (status) yield Prisma.sql`a."status" = ANY(${[...status]}::"AssetStatus"[])`
  if (filter.minAspect != null)
    yield Prisma.sql`a."width"::float8 >= ${filter.minAspect}::float8 * a."height"::float8`
  if (filter.maxAspect != null)
    yield Prisma.sql`a."width"::float8 <= ${filter.maxAspect}::float8 * a."height"::float8`
  if (filter.minBytes != null) yield Prisma.sql`a."bytes" >= ${filter.minBytes}::int`
  if (filter.maxBytes != null) yield Prisma.sql`a."bytes" <= ${filter.maxBytes}::int`
  if (filter.takenAfter) yield Prisma.sql`a."takenAt" > ${iso(filter.takenAfter)}::timestamptz`
  if (filter.takenBefore) yield Prisma.sql`a."takenAt" < ${iso(filter.takenBefore)}::timestamptz`
}

/** A filter without conditions keeps everything, here too. */
function* joined({ and, or, not }: AssetFilter): Generator<Prisma.Sql> {
  for (const part of and ?? []) {
    const condition = filterSql(part)
    if (condition) yield Prisma.sql`(${condition})`
  }
  if (or) {
    const parts = or.map(filterSql)
    const conditions = parts.filter((part) => part !== null).map((part) => Prisma.sql`(${part})`)
    if (parts.length === 0) yield Prisma.sql`FALSE`
    else if (conditions.length === parts.length) yield Prisma.sql`(${Prisma.join(conditions, ' OR ')})`
  }
  if (not) {
    const condition = filterSql(not)
    // A row without a date is neither before nor after one, so not before it too.
    yield condition ? Prisma.sql`((${condition}) IS NOT TRUE)` : Prisma.sql`FALSE`
  }
}

/** What both keep. */
export function bothFilters(a: AssetFilter | null | undefined, b: AssetFilter | null | undefined) {
  return a && b ? { and: [a, b] } : (a ?? b ?? null)
}

// As text: the driver would write a Date in the process's own time zone.
const iso = (date: Date) => date.toISOString()

/** A text without words keeps nothing. */
function textSql(text: string): Prisma.Sql {
  const query = textQuery(text)
  return query === null ? Prisma.sql`FALSE` : Prisma.sql`a."words" @@ ${query}::tsquery`
}

function wordsSql(words: WordCondition | null | undefined): Prisma.Sql[] {
  const { has = [], lacks = [], unindexed } = words ?? {}
  const conditions = [
    ...has.map((query) => Prisma.sql`a."words" @@ ${query}::tsquery`),
    ...lacks.map((query) => Prisma.sql`NOT (a."words" @@ ${query}::tsquery)`),
  ]
  if (unindexed != null)
    conditions.push(
      Prisma.sql`a."status" <> 'READY' AND NOT EXISTS (SELECT 1 FROM "AssetVector" v WHERE v."assetId" = a."id" AND v."revision" = ${unindexed})`,
    )
  return conditions
}
