/** The table "Word": every lexeme of the library but whole names, and how many assets have it. */
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { mapDriverErrors } from '../errors.ts'
import { differsByOne, slipsOf } from './near.ts'
import type { WordCounts } from './recount.ts'
import { isFunctionWord } from './text/function-words.ts'

/** Lexemes that are surely in the table: an import brings the same ones again and again. */
const knownTerms = 50_000
/** How old the count of all assets may be, in ms. */
const totalAge = 10_000
/** Rows of one statement. */
const batch = 1000
/** Words that are compared letter by letter. */
const maxCandidates = 300
/** Of files, which their names have. */
const endings = new Set('svg png jpg jpeg webp gif tif tiff avif heic bmp ico pdf psd'.split(' '))
/** The row that counts all assets. */
const allAssets = ''

export class Vocabulary {
  readonly #pool: pg.Pool
  readonly #known = new LRUCache<string, true>({ max: knownTerms })
  #total: { value: number; at: number } | null = null

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Puts new lexemes into the table. Sorted, so that two calls never wait for each other's rows. */
  async learn(terms: readonly string[]): Promise<void> {
    const fresh = [...new Set(terms)].filter((term) => !this.#known.get(term)).sort(byCodeUnits)
    for (let from = 0; from < fresh.length; from += batch) {
      const part = fresh.slice(from, from + batch)
      await mapDriverErrors(() =>
        this.#pool.query(
          `INSERT INTO "Word" AS w ("term") SELECT unnest($1::text[])
           ON CONFLICT ("term") DO UPDATE SET "documents" = 1 WHERE w."documents" = 0`,
          [part],
        ),
      )
      for (const term of part) this.#known.set(term, true)
    }
  }

  /** How many assets have each lexeme, as last counted; those that the library does not have are absent. */
  async documents(terms: readonly string[]): Promise<Map<string, number>> {
    if (terms.length === 0) return new Map()
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ term: string; documents: number }>(
        'SELECT "term", "documents" FROM "Word" WHERE "term" = ANY($1::text[]) AND "documents" > 0',
        [[...new Set(terms)]],
      ),
    )
    return new Map(rows.map(({ term, documents }) => [term, documents]))
  }

  /** How many assets there were when they were last counted. */
  async total(): Promise<number> {
    if (!this.#total || Date.now() - this.#total.at > totalAge) {
      const counted = (await this.documents([allAssets])).get(allAssets) ?? 0
      this.#total = { value: counted, at: Date.now() }
    }
    return this.#total.value
  }

  /**
   * Words of the library that differ from one in a slip of the hand, the likeliest first: few slip at the first letter.
   * By trigrams, by what the slip makes where there are too few of them, and by the beginning where the database's
   * locale knows no letters beyond ASCII.
   */
  async near(word: string): Promise<{ term: string; documents: number }[]> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ term: string; documents: number }>(
        `SELECT "term", "documents" FROM "Word"
         WHERE ("term" % $1 OR "term" = ANY($2::text[]) OR "term" LIKE $3)
           AND length("term") BETWEEN length($1) - 1 AND length($1) + 1 AND "documents" > 0
         ORDER BY "documents" DESC, "term" LIMIT ${maxCandidates}`,
        [word, slipsOf(word), `${word.slice(0, 2)}%`],
      ),
    )
    const near = rows.filter(({ term }) => /^\p{L}/u.test(term) && differsByOne(word, term))
    const isLikely = ({ term }: { term: string }) => term[0] === word[0] || term.length !== word.length
    return [...near.filter(isLikely), ...near.filter((one) => !isLikely(one) && hasSame(one.term, word))]
  }

  /** Words that say something, the most frequent first: no numbers, no endings of files. */
  async frequent(limit: number): Promise<string[]> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ term: string }>(
        `SELECT "term" FROM "Word" WHERE "documents" > 0 AND length("term") BETWEEN 3 AND 30
         ORDER BY "documents" DESC, "term" LIMIT $1`,
        // As many forms and joins again.
        [4 * limit],
      ),
    )
    return rows
      .map(({ term }) => term)
      .filter((term) => /^\p{L}+$/u.test(term) && !isFunctionWord(term) && !endings.has(term))
      .slice(0, limit)
  }

  /**
   * Takes a count of the whole library over. Nothing is locked for longer than a batch of rows; a lexeme that no asset
   * has any more goes with the second count that misses it, as an asset with it may have come meanwhile.
   */
  async renew({ counts, assets, partial }: WordCounts): Promise<void> {
    const absent = partial ? 1 : 0
    for (let after: string | null = null; ; ) {
      const { rows } = await mapDriverErrors(() =>
        this.#pool.query<{ term: string; documents: number }>(
          `SELECT "term", "documents" FROM "Word" WHERE "term" <> '' AND ($1::text IS NULL OR "term" > $1)
           ORDER BY "term" LIMIT ${batch}`,
          [after],
        ),
      )
      const changed = rows.filter(({ term, documents }) => documents !== (counts.get(term) ?? absent))
      const gone = rows.filter(({ term, documents }) => !partial && documents === 0 && !counts.has(term))
      await this.#set(changed.map(({ term }) => [term, counts.get(term) ?? absent]))
      if (gone.length > 0)
        await mapDriverErrors(() =>
          this.#pool.query('DELETE FROM "Word" WHERE "term" = ANY($1::text[]) AND "documents" = 0', [
            gone.map(({ term }) => term),
          ]),
        )
      if (rows.length < batch) break
      after = rows.at(-1)!.term
    }
    this.#known.clear()
    await this.learn([...counts.keys(), allAssets])
    await this.#set([[allAssets, assets]])
    this.#total = { value: assets, at: Date.now() }
  }

  async #set(counts: readonly [term: string, documents: number][]): Promise<void> {
    if (counts.length === 0) return
    await mapDriverErrors(() =>
      this.#pool.query(
        `UPDATE "Word" w SET "documents" = given.n FROM unnest($1::text[], $2::int[]) AS given(term, n)
         WHERE w."term" = given.term`,
        [counts.map(([term]) => term), counts.map(([, documents]) => documents)],
      ),
    )
  }
}

/** The same letters in another order. */
const hasSame = (a: string, b: string) => [...a].sort().join('') === [...b].sort().join('')

/** As the table's collation sorts, near enough. */
const byCodeUnits = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
