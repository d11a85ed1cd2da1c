import { Prisma } from './client/client.ts'
import type { AssetFilter } from './types.ts'

/** The condition of an AssetFilter on rows of "Asset" named `a`; null when it lets everything through. */
export function filterSql(where: AssetFilter | null | undefined): Prisma.Sql | null {
  if (!where) return null
  const conditions: Prisma.Sql[] = []
  const add = (given: unknown, condition: () => Prisma.Sql) => {
    if (given !== null && given !== undefined) conditions.push(condition())
  }
  add(where.ids, () => Prisma.sql`a."id" = ANY(${where.ids}::text[])`)
  add(where.collections, () => Prisma.sql`a."collection" = ANY(${where.collections}::text[])`)
  add(where.tagsAll, () => Prisma.sql`a."tags" @> ${where.tagsAll}::text[]`)
  add(where.tagsAny, () => Prisma.sql`a."tags" && ${where.tagsAny}::text[]`)
  add(where.mimeTypes, () => Prisma.sql`a."mimeType" = ANY(${where.mimeTypes}::text[])`)
  add(where.text?.trim() || null, () => textSql(where.text!))
  add(where.orientation, () => orientations[where.orientation!])
  add(where.minWidth, () => Prisma.sql`a."width" >= ${where.minWidth}`)
  add(where.minHeight, () => Prisma.sql`a."height" >= ${where.minHeight}`)
  add(where.createdAfter, () => Prisma.sql`a."createdAt" > ${where.createdAfter}`)
  add(where.createdBefore, () => Prisma.sql`a."createdAt" < ${where.createdBefore}`)
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : null
}

const orientations = {
  LANDSCAPE: Prisma.sql`a."width" > a."height"`,
  PORTRAIT: Prisma.sql`a."width" < a."height"`,
  SQUARE: Prisma.sql`a."width" = a."height"`,
}

/** Web-search syntax (words, "phrases", or, -not), once with English stems and once with the words as they stand. */
const textSql = (text: string) => Prisma.sql`
  limn_document(a."name", a."title", a."description", a."tags") @@
  (websearch_to_tsquery('pg_catalog.english', ${text}) || websearch_to_tsquery('pg_catalog.simple', ${text}))`
