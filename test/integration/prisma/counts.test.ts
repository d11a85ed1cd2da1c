import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PrismaAssets } from '../../../prisma/assets.ts'
import { PrismaClient } from '../../../prisma/generated/client.ts'
import { aspects } from '../../../prisma/lists/aspects.ts'
import { CountChanges } from '../../../prisma/lists/changes.ts'
import { PgCounts } from '../../../prisma/lists/counts.ts'
import type { AssetFilter, AssetRow, FacetName, NewAsset, ValueRequest } from '../../../prisma/types.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestPool } from '../../support/database.ts'

let pool: pg.Pool
let client: PrismaClient
let assets: PrismaAssets
let changes: CountChanges
let close: () => Promise<void>
beforeAll(async () => {
  const opened = await openTestPool()
  pool = opened.pool
  client = new PrismaClient({ adapter: new PrismaPg(pool) })
  assets = new PrismaAssets({ client })
  changes = new CountChanges(pool)
  close = async () => {
    await client.$disconnect()
    await opened.close()
  }
})
afterAll(() => close())

const names: FacetName[] = ['tags', 'collections', 'types', 'orientation', 'aspect', 'years', 'statuses']
let serial = 0
const image = (fields: Partial<NewAsset> = {}): NewAsset => ({
  ...{ name: 'a', title: null, description: null, tags: [], collections: [], mimeType: 'image/png' },
  ...{ bytes: 1, width: 1, height: 1 },
  contentHash: createHash('sha256').update(`${serial++}`).digest('hex'),
  ...fields,
})
const add = async (fields: Partial<NewAsset> = {}) => (await assets.add(image(fields))).row

const request = (facet: FacetName, more: Partial<ValueRequest> = {}): ValueRequest => ({
  ...{ facet, orderBy: 'COUNT', first: 1000 },
  ...more,
})
/** Of each facet, values and how many images have them. */
async function counted(counts: PgCounts, where: AssetFilter | null = null) {
  const pages = await counts.values(
    where,
    names.map((facet) => request(facet)),
  )
  return Object.fromEntries(
    names.map((name, n) => [
      name,
      Object.fromEntries(pages[n]!.values.map(({ key, count }) => [key, count]).toSorted()),
    ]),
  )
}

const orientationOf = ({ width, height }: AssetRow) =>
  width > height ? 'LANDSCAPE' : width < height ? 'PORTRAIT' : 'SQUARE'

/** The same, counted here. */
function tally(rows: readonly AssetRow[]) {
  const all: Record<string, Record<string, number>> = Object.fromEntries(names.map((name) => [name, {}]))
  const note = (name: FacetName, keys: Iterable<string>) => {
    for (const key of keys) all[name]![key] = (all[name]![key] ?? 0) + 1
  }
  for (const row of rows) {
    note('tags', new Set(row.tags.map((tag) => tag.toLowerCase())))
    const paths = row.collections.flatMap((path) =>
      path
        .toLowerCase()
        .split('/')
        .map((_, n, steps) => steps.slice(0, n + 1).join('/')),
    )
    note('collections', new Set(paths))
    note('types', [row.mimeType])
    note('orientation', [orientationOf(row)])
    const ratio = row.width / row.height
    note('aspect', [aspects.find(({ from, below }) => from <= ratio && ratio < below)!.name])
    if (row.takenAt) note('years', [row.takenAt.toISOString().slice(0, 4)])
    note('statuses', [row.status])
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, counts]) => [
      name,
      Object.fromEntries(Object.entries(counts).toSorted()),
    ]),
  )
}

const random = uniform(5)
const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
const some = <T>(list: readonly T[]) => list.filter(() => random() < 0.4)
const labels = () => ({
  tags: some(['Sea', 'sky', 'Übung', 'a/b', '"quoted"']),
  collections: some(['Brand/2025/Logos', 'brand/2025', 'Brand/Äpfel', 'Shop']),
  takenAt: random() < 0.5 ? null : new Date(Date.UTC(pick([2019, 2024, 2025]), 11, 31, 23)),
})
const anyImage = () => ({
  ...labels(),
  mimeType: pick(['image/png', 'image/svg+xml']),
  width: 1 + Math.floor(random() * 400),
  height: 1 + Math.floor(random() * 400),
})

describe('counts', () => {
  it('what is kept is what is there, after any change and whenever it is added up', async () => {
    const counts = new PgCounts({ pool })
    const rows = new Map<string, AssetRow>()
    for (let round = 0; round < 8; round++) {
      for (let n = 0; n < 12; n++) {
        const row = await add(anyImage())
        rows.set(row.id, row)
      }
      for (const id of some([...rows.keys()]).slice(0, 6)) {
        const row = (await assets.update(id, labels()))!
        rows.set(id, row)
      }
      const several = some([...rows.values()])
      for (const row of await assets.updateEach(several.map((row) => ({ row, patch: labels() }))))
        rows.set(row.id, row)
      const failed = pick([...rows.keys()])
      await pool.query(`UPDATE "Asset" SET "status" = 'FAILED' WHERE "id" = $1`, [failed])
      rows.set(failed, { ...rows.get(failed)!, status: 'FAILED' })
      const gone = [...rows.keys()].slice(0, 3)
      await assets.delete(gone)
      for (const id of gone) rows.delete(id)
      if (round % 3 === 1) await changes.sumUp()
      expect(await counts.total(null)).toEqual({ count: rows.size, isEstimate: false })
      expect(await counted(counts)).toEqual(tally([...rows.values()]))
    }
    const before = await counted(counts)
    await pool.query('SELECT limn_recount()')
    expect(await counted(counts)).toEqual(before)
    const { rows: left } = await pool.query('SELECT 1 FROM "AssetCount" WHERE "count" = 0')
    expect(left).toEqual([])
  })

  it('a filter’s images are counted, of every facet', async () => {
    const counts = new PgCounts({ pool })
    const { rows } = await assets.page({ first: 1000 })
    const kept = rows.filter((row) => row.width >= 100)
    expect(await counts.total({ minWidth: 100 })).toEqual({ count: kept.length, isEstimate: false })
    expect(await counted(counts, { minWidth: 100 })).toEqual(tally(kept))
  })

  it.each<[AssetFilter, (row: AssetRow) => boolean]>([
    [{ tagsAny: ['SEA'] }, ({ tags }) => tags.includes('Sea')],
    [{ tagsAll: ['übung'] }, ({ tags }) => tags.includes('Übung')],
    [{ collections: ['BRAND'] }, ({ collections }) => collections.some((path) => /^brand/i.test(path))],
    [{ mimeTypes: ['Image/PNG'] }, ({ mimeType }) => mimeType === 'image/png'],
    [{ status: ['FAILED'] }, ({ status }) => status === 'FAILED'],
    [{ orientation: 'PORTRAIT' }, (row) => orientationOf(row) === 'PORTRAIT'],
    [{ tagsAny: ['none'] }, () => false],
  ])('the filter %j is counted from what is kept, as the rows say', async (where, matches) => {
    // None of them is looked at: a total of 0 would be counted one by one.
    const counts = new PgCounts({ pool, exact: 0 })
    const { rows } = await assets.page({ first: 1000 })
    expect(await counts.total(where)).toEqual({ count: rows.filter(matches).length, isEstimate: false })
    expect(await assets.count(where)).toBe(rows.filter(matches).length)
  })

  it('pages of values go on where the one before ended, in both orders', async () => {
    const counts = new PgCounts({ pool })
    for (const orderBy of ['COUNT', 'NAME'] as const) {
      const [all] = await counts.values(null, [request('collections', { orderBy })])
      const found: string[] = []
      let after: ValueRequest['after'] = null
      for (let more = true; more; ) {
        const [page] = await counts.values(null, [request('collections', { orderBy, first: 2, after })])
        found.push(...page!.values.map(({ key }) => key))
        after = page!.values.at(-1)!
        more = page!.hasNextPage
        expect(page!.total).toBe(5)
      }
      expect(found).toEqual(all!.values.map(({ key }) => key))
      if (orderBy === 'NAME')
        expect(found).toEqual(['brand', 'brand/2025', 'brand/2025/logos', 'brand/äpfel', 'shop'])
    }
  })

  it.each<[Partial<ValueRequest>, string[]]>([
    [{ prefix: 'BRAND/2' }, ['brand/2025', 'brand/2025/logos']],
    [{ prefix: 'logo' }, ['brand/2025/logos']],
    [{ under: 'Brand' }, ['brand/2025', 'brand/2025/logos', 'brand/äpfel']],
    [{ under: 'brand', depth: 1 }, ['brand/2025', 'brand/äpfel']],
    [{ depth: 1 }, ['brand', 'shop']],
    [{ depth: 2 }, ['brand', 'brand/2025', 'brand/äpfel', 'shop']],
    [{ prefix: '%' }, []],
  ])('the collections of %j are a part of the tree', async (more, expected) => {
    const [page] = await new PgCounts({ pool }).values(null, [request('collections', more)])
    expect(page!.values.map(({ key }) => key).toSorted()).toEqual(expected.toSorted())
  })

  it('a value is written as most images write it', async () => {
    for (const tags of [['harbour'], ['Harbour'], ['Harbour'], ['HARBOUR']]) await add({ tags })
    const [page] = await new PgCounts({ pool }).values(null, [request('tags', { prefix: 'HARB' })])
    expect(page!.values).toEqual([{ key: 'harbour', label: 'Harbour', count: 4 }])
  })

  it('many images are estimated from a sample, near what they are, and said to be', async () => {
    await pool.query('DELETE FROM "Asset"')
    await pool.query(
      `INSERT INTO "Asset" ("id", "contentHash", "name", "mimeType", "bytes", "width", "height", "tags")
       SELECT 'asset_' || n, encode(sha256(n::text::bytea), 'hex'), 'a', 'image/png', n, 10, 10,
         CASE WHEN n % 4 = 0 THEN ARRAY['quarter', 'all'] ELSE ARRAY['all'] END
       FROM generate_series(1, 20000) n`,
    )
    await pool.query('ANALYZE "Asset"')
    const counts = new PgCounts({ pool, exact: 1000 })
    const where = { minBytes: 4001 }
    const total = await counts.total(where)
    expect(total.isEstimate).toBe(true)
    expect(Math.abs(total.count - 16_000)).toBeLessThan(2000)
    const [tags] = await counts.values(where, [request('tags')])
    expect(tags!.isEstimate).toBe(true)
    expect(tags!.values[0]).toEqual({ key: 'all', label: 'all', count: total.count })
    expect(Math.abs(tags!.values[1]!.count - 4000)).toBeLessThan(1000)
    // Without a filter, and of few, nothing is estimated.
    expect(await counts.total(null)).toEqual({ count: 20_000, isEstimate: false })
    expect(await counts.total({ maxBytes: 999 })).toEqual({ count: 999, isEstimate: false })
    const [few] = await counts.values({ maxBytes: 400 }, [request('tags')])
    expect(few).toMatchObject({ isEstimate: false, values: [{ count: 400 }, { count: 100 }] })
  })
})
