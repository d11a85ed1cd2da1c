import type pg from 'pg'
import { mapDriverErrors } from '../errors.ts'
import { wordsOf } from './text/document.ts'
import { wordsRevision } from './text/lexemes.ts'

/** Assets of one transaction: those of the embedded database keep everybody waiting. */
const batch = 50

interface Stale {
  id: string
  name: string
  title: string | null
  description: string | null
  tags: string[]
  collections: string[]
}

/**
 * Writes the words of some assets whose words are of an older tokenizer, or of labels that were changed since; returns
 * how many. Rows that another server has at hand are passed over, so several share the work, and what a dead one had
 * begun is undone by the database. Words of a newer Limn on the same database are left alone.
 */
export async function rewriteWords(
  pool: pg.Pool,
  learn: (terms: readonly string[]) => Promise<void>,
): Promise<number> {
  const vocabulary: string[] = []
  const count = await mapDriverErrors(async () => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const { rows } = await client.query<Stale>(
        `SELECT "id", "name", "title", "description", "tags", "collections"
         FROM "Asset" WHERE "wordsRevision" < ${wordsRevision} LIMIT ${batch} FOR NO KEY UPDATE SKIP LOCKED`,
      )
      const written = rows.map((row) => wordsOf(row))
      for (const one of written) vocabulary.push(...one.vocabulary)
      if (rows.length > 0)
        await client.query(
          `UPDATE "Asset" a SET "words" = given.words::tsvector, "wordsRevision" = ${wordsRevision}
           FROM unnest($1::text[], $2::text[]) AS given(id, words) WHERE a."id" = given.id`,
          [rows.map(({ id }) => id), written.map(({ words }) => words)],
        )
      await client.query('COMMIT')
      client.release()
      return rows.length
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  })
  await learn(vocabulary)
  return count
}

/** Whether some assets' words are still to be written. */
export async function hasStaleWords(pool: pg.Pool): Promise<boolean> {
  const { rows } = await mapDriverErrors(() =>
    pool.query<{ stale: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM "Asset" WHERE "wordsRevision" < ${wordsRevision}) AS stale`,
    ),
  )
  return rows[0]!.stale
}
