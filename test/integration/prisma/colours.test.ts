import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { colourScore, colourScoreSql, showsColoursSql } from '../../../prisma/colours/score.ts'
import { Prisma } from '../../../prisma/generated/client.ts'
import { openStores, type Stores } from '../../../prisma/stores.ts'
import { difference, hexOf, labOfHex } from '../../../workers/colour/oklab.ts'
import type { Palette, PaletteColour } from '../../../workers/colour/palette.ts'
import { shareWithin, storedPalette } from '../../../workers/colour/stored.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestPool } from '../../support/database.ts'

const count = 400
let pool: pg.Pool
let stores: Stores
let close: () => Promise<void>
const palettes = new Map<string, PaletteColour[]>()
const random = uniform(5)
const anyHex = () => hexOf([0, 1, 2].map(() => Math.floor(random() * 256)))

beforeAll(async () => {
  const opened = await openTestPool()
  ;({ pool, close } = opened)
  stores = openStores(pool, opened.backend, 'test')
  const { assets, enrichments } = stores
  for (let n = 0; n < count; n++) {
    const { row } = await assets.add({
      contentHash: String(n).padStart(64, '0'),
      name: `${n}`,
      ...{ title: null, description: null, tags: [], collections: [] },
      ...{ mimeType: 'image/png', bytes: 1, width: 1, height: 1 },
    })
    const shares = Array.from({ length: 1 + (n % 8) }, () => 0.05 + random())
    const total = shares.reduce((a, b) => a + b)
    palettes.set(
      row.id,
      shares.map((share) => ({ hex: anyHex(), share: share / total })),
    )
  }
  await enrichments.put(
    'colours',
    '1',
    [...palettes].map(([assetId, colours]) => ({ assetId, result: result(colours) })),
  )
}, 120_000)
afterAll(async () => {
  await stores?.close()
  await close?.()
})

const result = (colours: PaletteColour[]) => {
  const palette: Palette = { ground: null, colours }
  return { ...palette, ...storedPalette(palette) }
}
const idsOf = async (where: object) =>
  (await stores.assets.page({ where, first: count })).rows.map(({ id }) => id).sort()

it('filters by colour keep exactly the images that a look at every palette keeps', async () => {
  for (let n = 0; n < 60; n++) {
    const hex = anyHex()
    const tolerance = [2, 8, 15, 30, 50][n % 5]!
    const minShare = [0, 0.1, 0.4][n % 3]!
    // Colours at the very edge of the tolerance may fall to either side by the rounding of what is stored.
    const isSure = (colours: PaletteColour[]) =>
      colours.every((one) => Math.abs(difference(labOfHex(one.hex), labOfHex(hex)) - tolerance) > 0.05) &&
      Math.abs(shareWithin({ colours }, [labOfHex(hex)], tolerance) - minShare) > 0.001
    const found = new Set(await idsOf({ colours: [{ hex, tolerance, minShare }] }))
    for (const [id, colours] of palettes) {
      if (!isSure(colours)) continue
      const share = shareWithin({ colours }, [labOfHex(hex)], tolerance)
      expect(found.has(id)).toBe(share > 0 && share >= minShare)
    }
  }
})

it('the score by colours is the same number in the database and outside', async () => {
  for (let n = 0; n < 5; n++) {
    const wanted = { hexes: [anyHex(), anyHex()].slice(0, 1 + (n % 2)), reach: 10 + 5 * n }
    const { text, values } =
      Prisma.sql`SELECT a."id", ${colourScoreSql(wanted)} AS score, ${showsColoursSql(wanted)} AS shows FROM "Asset" a`
    const { rows } = await pool.query<{ id: string; score: number; shows: boolean }>(text, values)
    expect(rows).toHaveLength(count)
    for (const { id, score, shows } of rows) {
      expect(score).toBeCloseTo(colourScore(wanted, palettes.get(id)!), 2)
      if (score > 0) expect(shows).toBe(true)
    }
    expect(Math.max(...rows.map(({ score }) => score))).toBeGreaterThan(0.1)
  }
})

it('filters by colour use an index', async () => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN; SET LOCAL enable_seqscan = off')
    const { rows } = await client.query(
      `EXPLAIN SELECT "id" FROM "Asset" a WHERE limn_colour_cells(a."palette") && '{1,2}'::smallint[]`,
    )
    expect(JSON.stringify(rows)).toContain('Asset_colour_cells_idx')
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
})

it('colours follow their enrichment: another result replaces them, and an error takes them away', async () => {
  const [id] = [...palettes.keys()] as [string]
  const blue = [{ hex: '#0000ff', share: 1 }]
  const { enrichments } = stores
  await enrichments.put('colours', '2', [{ assetId: id, result: result(blue) }])
  const filter = { colours: [{ hex: '#0000ff', tolerance: 1, minShare: 1 }] }
  expect(await idsOf(filter)).toEqual([id])
  expect(await idsOf({ colourFamilies: ['BLUE'], ids: [id] })).toEqual([id])
  await enrichments.put('colours', '2', [{ assetId: id, error: 'damaged' }])
  expect(await idsOf(filter)).toEqual([])
  expect(await idsOf({ colourFamilies: ['BLUE'], ids: [id] })).toEqual([])
  await enrichments.put('something else', '1', [{ assetId: id, result: { index: [1] } }])
  expect(await idsOf({ ids: [id] })).toEqual([id])
})
