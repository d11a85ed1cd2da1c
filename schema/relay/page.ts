import type { PageInfoShape } from '@pothos/plugin-relay'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'

/** The plugin's resolveCursorConnection would cut a size over the limit silently. @throws BadUserInput */
export function pageSize(given: number, argument: string): number {
  if (given < 1 || given > limits.pageSize)
    throw new BadUserInput(
      `${argument} is ${given}; it goes from 1 to ${limits.pageSize}. Use cursors for more.`,
      { argument, limit: limits.pageSize, given },
    )
  return given
}

/** Where a page is in its list, from its edges. */
export function pageInfo(
  edges: readonly { cursor: string }[],
  more: Pick<PageInfoShape, 'hasNextPage' | 'hasPreviousPage'>,
): PageInfoShape {
  return { ...more, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null }
}

/** Cursors are opaque to callers: base64url of JSON, with a word that says which list it belongs to. */
export function encodeCursor(list: string, position: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([list, ...position])).toString('base64url')
}

/**
 * @param read reads a position; null for one that the list cannot have given, as a cursor can be forged
 * @throws BadUserInput for a cursor that this list did not give
 */
export function decodeCursor<T>(
  list: string,
  cursor: string,
  argument: string,
  read: (position: unknown[]) => T | null,
): T {
  const found = cursor.length > limits.cursorLength ? null : fieldsOf(cursor)
  const position = found?.[0] === list ? read(found.slice(1)) : null
  if (position !== null) return position
  throw new BadUserInput(
    `${argument} "${echoed(cursor)}" is not a cursor of this list. Take endCursor or startCursor of a page of the same query, unchanged.`,
    { argument },
  )
}

function fieldsOf(cursor: string): unknown[] | null {
  try {
    const found: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(found) ? found : null
  } catch {
    return null
  }
}
