import { limits } from '../../workers/limits.ts'

/**
 * How many of something a field's cost counts. The field itself refuses more than its limit and names it; a number below
 * 0 would pay for other fields.
 */
export const counted = (given: number, limit: number): number => Math.min(Math.max(given, 0), limit)

/** The rows of a page that its cost counts. */
export const countedPage = (given: number | null | undefined): number =>
  counted(given ?? limits.defaultPageSize, limits.pageSize)
