/** Lists without common rows, each read from its best row on, as one list: Fagin's threshold algorithm (2001). */
import type { WordHit, WordPosition } from '../../types.ts'
import { byPosition, isBehind } from './position.ts'

export interface Source {
  /** Read so far, in any order; none of them is in another source. */
  readonly rows: readonly WordHit[]
  /** Rows that were not read yet lie behind this place, as far as is known; null when all are read. */
  readonly rest: WordPosition | null
  /** Reads more; false when it cannot, though there may be more. */
  more(): Promise<boolean>
  /** Some of its rows may be missing. */
  readonly truncated: boolean
}

/** The first `wanted` rows of all sources. */
export async function merge(
  sources: readonly Source[],
  wanted: number,
): Promise<{ rows: WordHit[]; truncated: boolean }> {
  const ended = new Set<Source>()
  for (;;) {
    const rows = sources.flatMap((source) => source.rows).sort(byPosition)
    const last = rows[wanted - 1]
    // What may still come before the last row that is wanted.
    const open = sources.filter(({ rest }) => rest && (!last || isBehind(last, rest)))
    const next = open.filter((source) => !ended.has(source)).sort((a, b) => byPosition(a.rest!, b.rest!))[0]
    if (!next)
      return {
        rows: rows.slice(0, wanted),
        truncated: open.length > 0 || sources.some(({ truncated }) => truncated),
      }
    if (!(await next.more())) ended.add(next)
  }
}
