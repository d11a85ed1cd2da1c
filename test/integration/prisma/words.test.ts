import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PgLeases } from '../../../prisma/leases.ts'
import { rewriteWords } from '../../../prisma/words/rewrite.ts'
import { wordsRevision } from '../../../prisma/words/text/lexemes.ts'
import { WordsUpkeep } from '../../../prisma/words/upkeep.ts'
import { Vocabulary } from '../../../prisma/words/vocabulary.ts'
import { openTestPool } from '../../support/database.ts'

let pool: pg.Pool
let close: () => Promise<void>
let vocabulary: Vocabulary
let upkeep: WordsUpkeep
beforeAll(async () => {
  const opened = await openTestPool()
  ;({ pool, close } = opened)
  vocabulary = new Vocabulary(pool)
  // It works when it is told to: `idle`.
  upkeep = new WordsUpkeep({ pool, vocabulary, leases: new PgLeases(pool, 'test'), intervalMs: 2 ** 30 })
})
afterAll(async () => {
  await upkeep?.close()
  await close?.()
})

/** As another Limn, or SQL by hand, would store it. */
async function insert(id: string, name: string, fields: { tags?: string[]; revision?: number } = {}) {
  await pool.query(
    `INSERT INTO "Asset" ("id", "contentHash", "name", "tags", "mimeType", "bytes", "width", "height", "wordsRevision")
     VALUES ($1, $1, $2, $3, 'image/png', 1, 1, 1, $4)`,
    [id, name, fields.tags ?? [], fields.revision ?? 0],
  )
}
const found = async (query: string) =>
  (await pool.query(`SELECT "id" FROM "Asset" WHERE "words" @@ $1::tsquery ORDER BY "id"`, [query])).rows.map(
    ({ id }) => id,
  )

describe('the words of rows', () => {
  it('rows of an older revision are rewritten behind, those of a newer Limn stay', async () => {
    await insert('a', 'red-horse.png')
    await insert('b', 'blue-horse.png', { revision: wordsRevision - 1 })
    await insert('c', 'green-horse.png', { revision: wordsRevision + 1 })
    await upkeep.idle()
    expect(await found("'horse'")).toEqual(['a', 'b'])
    expect(upkeep.complete).toBe(true)
    await pool.query('DELETE FROM "Asset" WHERE "id" = \'c\'')
  })

  it('a label that SQL changes without the words makes them follow', async () => {
    await pool.query(`UPDATE "Asset" SET "name" = 'red-zebra.png' WHERE "id" = 'a'`)
    await pool.query(`UPDATE "Asset" SET "status" = 'READY' WHERE "id" = 'b'`)
    const { rows } = await pool.query('SELECT "wordsRevision" AS revision FROM "Asset" ORDER BY "id"')
    expect(rows.map(({ revision }) => revision)).toEqual([0, wordsRevision])
    await upkeep.idle()
    expect(await found("'zebra'")).toEqual(['a'])
    expect(await found("'horse'")).toEqual(['b'])
  })

  it('several servers share what is to be rewritten, and none does it twice', async () => {
    for (let n = 0; n < 120; n++) await insert(`many-${n}`, `many-${n}.png`)
    const counts = await Promise.all(
      Array.from({ length: 4 }, () => rewriteWords(pool, (terms) => vocabulary.learn(terms))),
    )
    expect(counts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(120)
    await upkeep.idle()
    expect(await found("'many'")).toHaveLength(120)
    const { rowCount } = await pool.query('SELECT FROM "Asset" WHERE "wordsRevision" <> $1', [wordsRevision])
    expect(rowCount).toBe(0)
  })
})

describe('the vocabulary', () => {
  it('a count says how many assets have each word, and how many there are', async () => {
    await upkeep.idle()
    expect(await vocabulary.documents(['many', 'horse', 'png', 'none', '=redzebra'])).toEqual(
      new Map([
        ['many', 120],
        ['horse', 1],
        ['png', 122],
      ]),
    )
    expect(await vocabulary.total()).toBe(122)
  })

  it('a word of a new asset is known at once, and one that no asset has any more goes', async () => {
    await vocabulary.learn(['giraffe', 'okapi'])
    expect(await vocabulary.documents(['giraffe'])).toEqual(new Map([['giraffe', 1]]))
    await upkeep.idle()
    expect(await vocabulary.documents(['giraffe', 'okapi'])).toEqual(new Map())
    await vocabulary.learn(['okapi'])
    expect(await vocabulary.documents(['okapi'])).toEqual(new Map([['okapi', 1]]))
    for (let n = 0; n < 2; n++) await upkeep.idle()
    const { rows } = await pool.query(`SELECT "term" FROM "Word" WHERE "term" IN ('giraffe', 'okapi')`)
    expect(rows).toEqual([])
  })

  it('calls that learn the same words in another order do not wait for each other for ever', async () => {
    const words = Array.from({ length: 300 }, (_, n) => `lexeme${n}`)
    const others = Array.from({ length: 4 }, () => new Vocabulary(pool))
    await Promise.all(others.map((one, n) => one.learn(n % 2 ? words : words.toReversed())))
    expect((await vocabulary.documents(words)).size).toBe(300)
  })
})
