import type pg from 'pg'
import { mapDriverErrors } from '../errors.ts'
import { wholeMark } from './text/lexemes.ts'

/** Assets of one statement: some tens of milliseconds. */
const batch = 2000
/** Lexemes that are counted at once; those of one asset are left out then, as that is what an uncounted one is taken for. */
const maxTerms = 500_000

export interface WordCounts {
  /** Assets by lexeme. */
  counts: Map<string, number>
  assets: number
  /** Lexemes of one asset were left out. */
  partial: boolean
}

/** Counts the assets that have each lexeme, batch by batch: others write meanwhile. Null when `signal` fired. */
export async function countWords(pool: pg.Pool, signal: AbortSignal): Promise<WordCounts | null> {
  const counts = new Map<string, number>()
  let assets = 0
  let partial = false
  for (let after = ''; ; ) {
    if (signal.aborted) return null
    const { rows: bounds } = await mapDriverErrors(() =>
      pool.query<{ last: string | null; count: number }>(
        `SELECT max(id) AS last, count(*)::int AS count
         FROM (SELECT "id" AS id FROM "Asset" WHERE "id" > $1 ORDER BY "id" LIMIT ${batch}) page`,
        [after],
      ),
    )
    const { last, count } = bounds[0]!
    if (last === null) return { counts, assets, partial }
    const { rows } = await mapDriverErrors(() =>
      pool.query<{ word: string; ndoc: number }>(
        `SELECT word, ndoc FROM ts_stat(
           format('SELECT "words" FROM "Asset" WHERE "id" > %L AND "id" <= %L', $1::text, $2::text)
         ) WHERE left(word, 1) <> '${wholeMark}'`,
        [after, last],
      ),
    )
    for (const { word, ndoc } of rows) counts.set(word, (counts.get(word) ?? 0) + ndoc)
    if (counts.size > maxTerms) {
      partial = true
      for (const [word, ndoc] of counts) if (ndoc === 1) counts.delete(word)
    }
    assets += count
    after = last
  }
}
