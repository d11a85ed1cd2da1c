import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AssetFilter, AssetRow, Database, SearchPosition } from '../../../prisma/types.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestDatabase } from '../../support/database.ts'

const dimensions = 16
const revision = 'search16'
const random = uniform(11)
const tags = ['red', 'green', 'blue', 'rare']

let db: Database
let close: () => Promise<void>
const stored: { row: AssetRow; vector: Float32Array }[] = []

const unit = () => {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

async function addImages(count: number, fields: { tags?: string[]; vector?: Float32Array } = {}) {
  const rows = await Promise.all(
    Array.from({ length: count }, async () => {
      const wide = random() < 0.5
      const { row } = await db.assets.add({
        contentHash: `s-${random()}`,
        name: random() < 0.3 ? 'sunny-day.png' : 'night.png',
        title: null,
        description: null,
        tags: fields.tags ?? tags.filter((tag) => random() < (tag === 'rare' ? 0.02 : 0.4)),
        collections: [random() < 0.5 ? 'one' : 'two'],
        mimeType: 'image/png',
        bytes: 1,
        width: wide ? 20 : 10,
        height: wide ? 10 : 20,
      })
      return { row, vector: fields.vector ?? unit() }
    }),
  )
  await db.vectors.put(
    revision,
    rows.map(({ row, vector }) => ({ assetId: row.id, vector })),
    { ready: true },
  )
  stored.push(...rows)
  return rows
}

const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

/** Everything that a filter keeps, scored here. */
function bruteForce(query: Float32Array, keeps: (row: AssetRow) => boolean) {
  return stored
    .filter(({ row }) => keeps(row))
    .map(({ row, vector }) => ({ assetId: row.id, product: product(query, vector) }))
    .sort((a, b) => b.product - a.product)
}

const search = (
  query: Float32Array,
  first: number,
  where?: AssetFilter | null,
  after?: SearchPosition | null,
) => db.vectors.search({ revision, dimensions, query, first, where, after })

beforeAll(async () => {
  const opened = await openTestDatabase()
  db = opened.db
  close = opened.close
  await db.vectors.register({ revision, name: 'search', dimensions })
  await addImages(600)
})
afterAll(() => close())

describe('search', () => {
  const cases: [string, AssetFilter | null, (row: AssetRow) => boolean][] = [
    ['everything', null, () => true],
    ['a tag', { tagsAll: ['red'] }, (row) => row.tags.includes('red')],
    [
      'two tags',
      { tagsAll: ['red', 'blue'] },
      (row) => row.tags.includes('red') && row.tags.includes('blue'),
    ],
    ['a rare tag', { tagsAny: ['rare'] }, (row) => row.tags.includes('rare')],
    ['landscape', { orientation: 'LANDSCAPE' }, (row) => row.width > row.height],
    [
      'a collection and a text',
      { collections: ['two'], text: 'sun or sunny' },
      (row) => row.collections[0] === 'two' && row.name.startsWith('sunny'),
    ],
    ['nothing', { tagsAny: ['none'] }, () => false],
  ]
  it.each(cases)('a search of %s gives what scoring everything gives', async (_, where, keeps) => {
    for (let i = 0; i < 5; i++) {
      const query = unit().map((value) => value * 1.7)
      const expected = bruteForce(query, keeps)
      const { hits, hasNextPage, truncated } = await search(query, 20, where)
      expect(hits.map(({ assetId }) => assetId)).toEqual(expected.slice(0, 20).map(({ assetId }) => assetId))
      for (const [place, hit] of hits.entries()) expect(hit.product).toBeCloseTo(expected[place]!.product, 5)
      expect(hasNextPage).toBe(expected.length > 20)
      expect(truncated).toBe(false)
    }
  })

  it('a search goes through all pages without gaps or repeats, whatever comes in or goes between', async () => {
    const query = unit()
    const before = bruteForce(query, () => true).map(({ assetId }) => assetId)
    const seen: string[] = []
    const gone = new Set<string>()
    let after: SearchPosition | null = null
    for (;;) {
      // The same words encoded again: another last bit.
      const noisy = query.map((value) => value * (1 + (random() - 0.5) * 2e-7))
      const { hits, hasNextPage } = await search(noisy, 37, null, after)
      seen.push(...hits.map(({ assetId }) => assetId))
      if (!hasNextPage) break
      after = hits.at(-1)!
      await addImages(2)
      // The cursor's own asset, and one that is still to come.
      const coming = before.filter((id) => !seen.includes(id) && !gone.has(id))
      const going = [after.assetId, coming[0]!]
      gone.add(coming[0]!)
      await db.assets.delete(going)
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(before.filter((id) => !seen.includes(id) && !gone.has(id))).toEqual([])
    const kept = before.filter((id) => seen.includes(id))
    expect(seen.filter((id) => kept.includes(id))).toEqual(kept)
  })

  it('a search orders equal products by id, across pages', async () => {
    const vector = unit()
    const same = await addImages(30, { tags: ['same'], vector })
    const ids = same.map(({ row }) => row.id).sort()
    const seen: string[] = []
    let after: SearchPosition | null = null
    do {
      const { hits } = await search(vector, 7, { tagsAll: ['same'] }, after)
      seen.push(...hits.map(({ assetId }) => assetId))
      after = hits.at(-1) ?? null
    } while (after && seen.length < 100)
    expect(seen).toEqual(ids)
  })

  it('a search is truncated as long as an image lacks its vector', async () => {
    const query = unit()
    const texts = { name: 'late.png', title: null, description: null, tags: [], collections: [] }
    const file = { contentHash: 'late', mimeType: 'image/png', bytes: 1, width: 1, height: 1 }
    const { row } = await db.assets.add({ ...texts, ...file })
    expect((await search(query, 3)).truncated).toBe(true)
    await db.vectors.put(revision, [{ assetId: row.id, vector: unit() }], { ready: true })
    expect((await search(query, 3)).truncated).toBe(false)
    await db.vectors.register({ revision: 'later', name: 'later', dimensions })
    const other = { revision: 'later', dimensions, query, first: 3 }
    expect((await db.vectors.search(other)).truncated).toBe(true)
  })
})
