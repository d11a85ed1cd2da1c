/** Indexing on a database that goes away and comes back. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../prisma/open.ts'
import { LocalLibrary } from '../../workers/ingest/local-library.ts'
import { uniform } from '../../workers/random.ts'
import { type BlippingDatabase, blippingDatabase } from '../support/blips.ts'
import { testDatabase } from '../support/database.ts'
import { svg } from '../support/images.ts'
import { testEncoder } from '../support/library.ts'

const seed = Number(process.env.LIMN_TEST_SEED ?? Date.now() % 1_000_000)
const random = uniform(seed)
const images = 120

let database: BlippingDatabase
beforeAll(async () => {
  console.log(`seed ${seed} (LIMN_TEST_SEED repeats it)`)
  database = await blippingDatabase()
})
afterAll(() => database?.close())

let round = 0

it('indexing loses and fails nothing when its database goes three times, and says so once a pause', {
  timeout: 180_000,
}, async () => {
  round++
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-blips-'))
  if (!database.url) await (await testDatabase()).prepare(home)
  const lines: { message: string; at: number }[] = []
  const note = (_fields: object, message: string) => void lines.push({ message, at: performance.now() })
  const log = { debug() {}, info() {}, warn: note, error: note }
  const db = await openDatabase({ home, url: database.url, log })
  const encoder = testEncoder(home)
  const library = await LocalLibrary.open({ database: db, encoder, catalogue: encoder, home, log })
  const ids = new Set<string>()
  const adding = (async () => {
    for (let n = 0; n < images; n++) {
      const bytes = Buffer.from(svg({ size: 40 }).replace('<rect', `<desc>${seed} ${round} ${n}</desc><rect`))
      // The caller of a request that failed sends it again.
      for (;;) {
        const added = await library.add({ bytes }).catch(() => null)
        if (added) ids.add(added.asset.id)
        if (added) break
        await sleep(100)
      }
    }
  })()
  for (let blips = 0; blips < 3; blips++) {
    await sleep(200 + random() * 1000)
    await database.blip(home, [0, 500, 1500][Math.floor(random() * 3)]!)
  }
  await adding
  await library.idle()
  const rows = [...(await db.assets.byIds([...ids])).values()]
  expect(ids.size).toBe(images)
  expect(rows.map(({ status }) => status)).toEqual(Array(images).fill('READY'))
  const [model] = await db.vectors.registered()
  expect((await db.vectors.get(model!.revision, [...ids])).size).toBe(images)
  const pauses = lines.filter(({ message }) => message === 'indexing pauses')
  for (const [n, { at }] of pauses.entries()) if (n > 0) expect(at - pauses[n - 1]!.at).toBeGreaterThan(200)
  // An outage of seconds costs a line of each part, and few of them.
  expect(lines.length, lines.map(({ message }) => message).join('\n')).toBeLessThan(40)
  await library.close()
  await encoder.close()
  await db.close()
  rmSync(home, { recursive: true, force: true })
})
