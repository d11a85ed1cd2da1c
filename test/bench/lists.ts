/**
 * Lists of a large library: pages in each order, totals, facets and the lists of tags and collections, on rows without
 * vectors in a throw-away PostgreSQL. `npm run bench -- lists`, or `npx node test/bench/lists.ts ROWS`; LIMN_BENCH_URL is
 * a database that is loaded already.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { keptKeyOf } from '../../prisma/lists/kept-key.ts'
import { positionOf } from '../../prisma/lists/pages.ts'
import { openDatabase } from '../../prisma/open.ts'
import type { AssetFilter, AssetOrderField, AssetPosition, Database, FacetName } from '../../prisma/types.ts'
import { postgresBin, startPostgres } from '../support/postgres.ts'

const rounds = 9

/** Tags of a Zipf-like spread, and some that keep a known part; collections of three levels; dates of ten years. */
const rows = (count: number) => `
  INSERT INTO "Asset" ("id", "contentHash", "name", "tags", "collections", "mimeType", "bytes", "width", "height", "status", "takenAt", "createdAt", "updatedAt")
  SELECT 'asset_' || lpad(n::text, 26, '0'), encode(sha256(n::text::bytea), 'hex'),
    (ARRAY['img', 'photo', 'logo', 'icon'])[1 + n % 4] || '-' || (random() * 20000)::int || '.png',
    ARRAY(SELECT DISTINCT 'tag ' || floor(5000 * power(random(), 3) + n * 0)::int FROM generate_series(1, 8))
      || CASE WHEN n % 5 = 0 THEN ARRAY['fifth'] ELSE '{}' END || CASE WHEN n % 10 = 3 THEN ARRAY['tenth'] ELSE '{}' END
      || CASE WHEN n % 100 = 37 THEN ARRAY['percent'] ELSE '{}' END,
    CASE WHEN n % 10 = 0 THEN '{}' ELSE ARRAY[
      (ARRAY['Brand', 'Shop', 'Archive', 'Social'])[1 + floor(4 * power(random(), 2))::int]
        || '/' || 2015 + floor(random() * 10)::int || '/' || floor(50 * power(random(), 2))::int] END,
    (ARRAY['image/png', 'image/jpeg', 'image/jpeg', 'image/webp', 'image/svg+xml'])[1 + n % 5],
    (1000 + 5000000 * power(random(), 4))::int, (200 + 4000 * random())::int, (200 + 3000 * random())::int, 'READY',
    CASE WHEN n % 3 = 0 THEN now() - random() * interval '10 years' END, now(), now()
  FROM generate_series(1, ${count}) AS n`

const filters: Record<string, AssetFilter | null> = {
  none: null,
  'one tag, 20 %': { tagsAny: ['fifth'] },
  'one tag, 1 %': { tagsAny: ['percent'] },
  'two tags, 0.1 %': { tagsAll: ['tenth', 'tag 700'] },
  'collection, 40 %': { collections: ['Brand'] },
  'without a tag, 80 %': { tagsNone: ['fifth'] },
  'tag and shape, 12 %': { tagsAny: ['fifth'], orientation: 'LANDSCAPE' },
  'one of two, 30 %': { or: [{ tagsAny: ['tenth'] }, { collections: ['Shop'] }] },
  'size alone, 30 %': { minBytes: 1_000_000 },
  'size alone, 0.1 %': { minWidth: 4195 },
}
const orders: AssetOrderField[] = ['ADDED', 'NAME', 'TAKEN', 'SIZE', 'UPDATED']
const facets: FacetName[] = ['tags', 'collections', 'types', 'orientation', 'aspect', 'years', 'statuses']

/** Median of the rounds, in ms. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    await work()
    taken.push(performance.now() - begun)
  }
  return taken.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}

const ms = (value: number) => value.toFixed(1).padStart(8)

async function measure(open: () => Promise<Database>, log: (line: string) => void): Promise<void> {
  const db = await open()
  const { pages, total, values } = timers(db)
  log(`${'filter'.padEnd(22)} total ms   count           facets ms  page 1 and 10 ms by ${orders.join(', ')}`)
  for (const [name, where] of Object.entries(filters)) {
    const found = await db.counts.total(where)
    const places = []
    for (const field of orders) places.push((await pages(where, field)).map(ms).join(''))
    const count = `${found.isEstimate ? '~' : ''}${found.count}`
    log(
      `${name.padEnd(22)}${ms(await total(where))}   ${count.padEnd(12)}${ms(await values(where))}   ${places.join(' ')}`,
    )
  }
  const list = { orderBy: 'COUNT', first: 20 } as const
  const page = (request: object) =>
    time(() => db.counts.values(null, [{ facet: 'tags', ...list, ...request }]))
  log(
    `tags ${ms(await page({}))}, tags of a prefix ${ms(await page({ prefix: 'tag 1' }))}, collections ${ms(await page({ facet: 'collections', under: 'Brand', depth: 1 }))}`,
  )
  await db.close()
}

/** Estimates are remembered for a moment: a condition that keeps everything makes each time the first one. */
function timers(db: Database) {
  let serial = 0
  const anew = (where: AssetFilter | null): AssetFilter | null =>
    where && !keptKeyOf(where) ? { ...where, minHeight: -++serial } : where
  return {
    total: (where: AssetFilter | null) => time(() => db.counts.total(anew(where))),
    values: (where: AssetFilter | null) =>
      time(() =>
        db.counts.values(
          anew(where),
          facets.map((facet) => ({ facet, orderBy: 'COUNT', first: 20 })),
        ),
      ),
    async pages(where: AssetFilter | null, field: AssetOrderField) {
      const orderBy = { field, direction: field === 'NAME' ? 'ASC' : 'DESC' } as const
      const page = (after: AssetPosition | null) => db.assets.page({ where, orderBy, first: 20, after })
      let place: AssetPosition | null = null
      for (let n = 0; n < 9; n++) {
        const { rows } = await page(place)
        if (rows.length > 0) place = positionOf(rows.at(-1)!, orderBy)
      }
      return [await time(() => page(null)), await time(() => page(place))]
    },
  }
}

export async function listsBench({ count = 300_000, log = (line: string) => console.log(line) } = {}) {
  const given = process.env.LIMN_BENCH_URL
  if (!given && !postgresBin()) return log('PostgreSQL is not installed')
  const server = given ? null : await startPostgres()
  const url = given ?? server!.url
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-bench-'))
  const open = () => openDatabase({ url, home })
  try {
    if (server) {
      await (await open()).close()
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const begun = performance.now()
      await client.query('SELECT setseed(0.5)')
      await client.query(rows(count))
      log(`${count} rows in ${((performance.now() - begun) / 1000).toFixed(1)} s, counted as they come`)
      await client.query('VACUUM ANALYZE')
      await client.end()
    }
    await measure(open, log)
  } finally {
    rmSync(home, { recursive: true, force: true })
    await server?.stop()
  }
}

if (import.meta.main) {
  await listsBench({ count: Number(process.argv[2] ?? 300_000) })
  process.exit(0)
}
