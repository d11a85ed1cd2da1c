import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Backend } from '../../../prisma/backends/backend.ts'
import type { SearchPosition } from '../../../prisma/types.ts'
import { PgVectors } from '../../../prisma/vectors/store.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestPool } from '../../support/database.ts'

const dimensions = 16
const revision = 'indexed'
const count = 1500
const random = uniform(5)
const unit = () => {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}
const idOf = (i: number) => `asset_${String(i).padStart(26, '0')}`

let pool: pg.Pool
let close: () => Promise<void>
let backend: Backend
/** Takes the index where it can, and never falls back to an exact scan. */
let indexed: PgVectors
/** Takes the index where it can, and an exact scan where the index gave too little. */
let withFallback: PgVectors
/** Scans everything. */
let exact: PgVectors

beforeAll(async () => {
  ;({ pool, backend, close } = await openTestPool())
  const byIndex = { ...backend.searchLimits, exactBelow: 0, indexRowCost: 0 }
  indexed = new PgVectors(pool, backend, { ...byIndex, fallback: 0 })
  withFallback = new PgVectors(pool, backend, byIndex)
  exact = new PgVectors(pool, backend, { ...backend.searchLimits, exactBelow: 1e9 })
  await exact.register({ revision, name: 'indexed', dimensions })
  const rows = Array.from({ length: count }, (_, i) => i)
  await pool.query(
    `INSERT INTO "Asset" ("id", "contentHash", "name", "tags", "mimeType", "bytes", "width", "height")
     SELECT id, id, 'p', string_to_array(tags, ','), 'image/png', 1, 1, 1 FROM unnest($1::text[], $2::text[]) AS given(id, tags)`,
    [rows.map(idOf), rows.map((i) => [i % 2 ? 'odd' : 'even', ...(i % 20 ? [] : ['few'])].join(','))],
  )
  await exact.put(
    revision,
    rows.map((i) => ({ assetId: idOf(i), vector: unit() })),
    { ready: true },
  )
  await indexed.register({ revision, name: 'indexed', dimensions })
})
afterAll(() => close())

describe('search by the index', () => {
  it.each([null, { tagsAll: ['odd'] }, { tagsAny: ['few'] }])(
    'a search by the index with %j finds what an exact scan finds',
    async (where) => {
      let found = 0
      for (let i = 0; i < 20; i++) {
        const request = { revision, dimensions, query: unit().map((value) => value * 2.3), where, first: 10 }
        const [near, all] = await Promise.all([indexed.search(request), exact.search(request)])
        expect(near.hits).toHaveLength(10)
        const best = new Map(all.hits.map(({ assetId, product }) => [assetId, product]))
        for (const { assetId, product } of near.hits) {
          if (!best.has(assetId)) continue
          found++
          // Scored again in full precision: the very number that an exact scan gives.
          expect(product).toBe(best.get(assetId))
        }
        const order = near.hits.toSorted((a, b) => b.product - a.product || (a.assetId < b.assetId ? -1 : 1))
        expect(near.hits).toEqual(order)
      }
      expect(found / 200).toBeGreaterThanOrEqual(0.98)
    },
  )

  it('a search by the index goes on behind a cursor where the page before ended', async () => {
    const query = unit()
    const pages: SearchPosition[] = []
    let after: SearchPosition | null = null
    for (let page = 0; page < 6; page++) {
      const { hits, hasNextPage }: { hits: SearchPosition[]; hasNextPage: boolean } = await indexed.search({
        revision,
        dimensions,
        query,
        first: 15,
        after,
      })
      expect(hasNextPage).toBe(true)
      pages.push(...hits)
      after = hits.at(-1)!
    }
    const all = await exact.search({ revision, dimensions, query, first: 90 })
    expect(pages.map(({ assetId }) => assetId)).toEqual(all.hits.map(({ assetId }) => assetId))
  })

  it('a search is truncated where the index gave too little, and exact where a scan may follow', async () => {
    const deep = { revision, dimensions, query: unit(), first: count - 5 }
    expect((await indexed.search(deep)).truncated).toBe(true)
    const { hits, truncated } = await withFallback.search(deep)
    expect(truncated).toBe(false)
    expect(hits).toEqual((await exact.search(deep)).hits)
  })

  it('a search really takes the index, filtered and not, before and after statistics', async () => {
    const look = async () => {
      const spy = vi.spyOn(pg.Client.prototype, 'query')
      for (const where of [null, { tagsAll: ['odd'] }])
        await indexed.search({ revision, dimensions, query: unit(), where, first: 10 })
      const sent = spy.mock.calls.map(([text, values]) => ({ text: String(text), values: values as unknown }))
      spy.mockRestore()
      const settings = sent.find(({ text }) => text.startsWith('BEGIN'))!.text
      const plans: string[] = []
      for (const { text, values } of sent.filter(({ text }) => text.includes('near AS'))) {
        const client = await pool.connect()
        await client.query(settings)
        const { rows } = await client.query(`EXPLAIN ${text}`, values as unknown[])
        await client.query('COMMIT')
        client.release()
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
      }
      return plans
    }
    const plans = await look()
    await pool.query('ANALYZE "Asset", "AssetVector"')
    plans.push(...(await look()))
    expect(plans.length).toBeGreaterThanOrEqual(4)
    for (const plan of plans)
      expect(plan).toMatch(/Index Scan using "AssetVector_[0-9a-f]{24}_(vector|halfvec)"/)
  })
})
