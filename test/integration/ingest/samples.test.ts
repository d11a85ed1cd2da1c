import { readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seedSamples } from '../../../workers/ingest/seed/seed.ts'
import { type TestLibrary, testLibrary } from '../../support/library.ts'

const folder = path.resolve('workers/ingest/samples')
const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {
  file: string
  set: string
  licence: string
  title: string
}[]

let place: TestLibrary
beforeAll(async () => {
  place = await testLibrary()
})
afterAll(() => place?.close())

it('the samples are many, small, and each of a set whose licence is named', async () => {
  expect(manifest.length).toBeGreaterThanOrEqual(400)
  const licences = readFileSync(path.join(folder, 'LICENSES.md'), 'utf8')
  let bytes = 0
  for (const { file, set, licence } of manifest) {
    const content = readFileSync(path.join(folder, file))
    bytes += content.length
    expect(['MIT', 'ISC', 'Apache-2.0', 'CC-BY-4.0']).toContain(licence)
    expect(licences).toContain(`[${set}]`)
  }
  expect(bytes).toBeLessThan(4 * 2 ** 20)
  expect(await sharp(path.join(folder, manifest[0]!.file)).metadata()).toMatchObject({
    width: 256,
    height: 256,
  })
})

it('the samples are given to a new library once, go on after an interruption, and do not come back', async () => {
  const { library, database, home } = place
  const stop = new AbortController()
  const interrupted = seedSamples({
    library: { add: (one) => library.add(one).finally(() => stop.abort()) },
    database,
    home,
    signal: stop.signal,
  })
  const first = await interrupted
  expect(first).toBeGreaterThan(0)
  expect(first).toBeLessThan(50)
  expect(await seedSamples({ library, database, home })).toBe(manifest.length - first)
  expect(await database.assets.count()).toBe(manifest.length)
  expect(await seedSamples({ library, database, home })).toBe(0)
  const { rows } = await database.assets.page({ first: 100 })
  await library.delete(rows.map(({ id }) => id))
  expect(await seedSamples({ library, database, home })).toBe(0)
  expect(await database.assets.count()).toBe(manifest.length - 100)
})

it('the samples are not put among the images of others', async () => {
  const { library, database, home } = place
  const before = await database.assets.count()
  const otherHome = path.join(home, 'other')
  expect(await seedSamples({ library, database, home: otherHome })).toBe(0)
  expect(await database.assets.count()).toBe(before)
})
