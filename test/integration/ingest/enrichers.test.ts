import { writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { imageError } from '../../../workers/images/open.ts'
import type { Enricher } from '../../../workers/ingest/enrich/enricher.ts'
import { testImage, testImages } from '../../support/images.ts'
import { type TestLibrary, testLibrary } from '../../support/library.ts'

let place: TestLibrary
beforeAll(async () => {
  place = await testLibrary()
})
afterEach(() => place?.empty())
afterAll(() => place?.close())

/** The mean colour of an image, and the names of the images that it was asked for. */
function meanColour(revision: string): Enricher & { seen: string[] } {
  const seen: string[] = []
  return {
    name: 'mean-colour',
    revision,
    seen,
    async run({ name }, bytes) {
      seen.push(name)
      try {
        const { channels } = await sharp(bytes).stats()
        return { rgb: channels.slice(0, 3).map(({ mean }) => Math.round(mean)) }
      } catch (error) {
        throw imageError(error)
      }
    },
  }
}
const outcome = (revision: string, ids: string[]) =>
  place.database.enrichments.get('mean-colour', revision, ids)
const progress = async () =>
  (await place.library.progress()).find(({ enricher }) => enricher === 'mean-colour')
async function addAll(count: number): Promise<string[]> {
  const images = await testImages(count)
  const added = await Promise.all(images.map((bytes, n) => place.library.add({ bytes, name: `image ${n}` })))
  return added.map(({ asset }) => asset.id)
}

it('an enricher sees every image, those that are there and those that come', async () => {
  const before = await addAll(20)
  const colours = meanColour('1')
  await place.reopen({ enrichers: [colours] })
  const plain = await testImage({ disc: 'coral', ground: 'coral' })
  const { asset } = await place.library.add({ bytes: plain, name: 'coral' })
  await place.library.idle()
  const results = await outcome('1', [...before, asset.id])
  expect(results.size).toBe(21)
  expect(results.get(asset.id)).toEqual({ rgb: [255, 127, 80] })
  expect(await progress()).toEqual({ enricher: 'mean-colour', revision: '1', done: 21, failed: 0, total: 21 })
  expect(colours.seen).toHaveLength(21)
})

it('an image that is damaged gets an error, and another try when it comes again', async () => {
  const [bad, ...good] = await testImages(4)
  const { asset } = await place.library.add({ bytes: bad! })
  await place.library.close()
  writeFileSync(place.filePath(asset), bad!.subarray(0, 60))
  await place.database.vectors.fail(asset.id, 'damaged')
  await place.reopen({ enrichers: [meanColour('1')] })
  for (const bytes of good) await place.library.add({ bytes })
  await place.library.idle()
  expect(await progress()).toMatchObject({ done: 4, failed: 1, total: 4 })
  expect(await outcome('1', [asset.id])).toEqual(new Map())
  await place.library.add({ bytes: bad! })
  await place.library.idle()
  expect(await progress()).toMatchObject({ done: 4, failed: 0, total: 4 })
})

it('a new revision runs over every image again, and then the older results go', async () => {
  const ids = await addAll(10)
  await place.reopen({ enrichers: [meanColour('1')] })
  await place.library.idle()
  const second = meanColour('2')
  await place.reopen({ enrichers: [second] })
  await place.library.idle()
  expect(second.seen).toHaveLength(10)
  expect((await outcome('2', ids)).size).toBe(10)
  expect((await outcome('1', ids)).size).toBe(0)
})

it('results go with their image', async () => {
  const ids = await addAll(3)
  await place.reopen({ enrichers: [meanColour('1')] })
  await place.library.idle()
  await place.library.delete([ids[0]!])
  expect([...(await outcome('1', ids)).keys()].sort()).toEqual(ids.slice(1).sort())
  expect(await progress()).toMatchObject({ done: 2, total: 2 })
})

it('a restart in the middle resumes, and no image is looked at twice', async () => {
  const ids = await addAll(40)
  const colours = meanColour('1')
  const enough = Promise.withResolvers<void>()
  const slow: Enricher = {
    ...colours,
    async run(...image) {
      const result = await colours.run(...image)
      if (colours.seen.length > 12) enough.resolve()
      return result
    },
  }
  await place.reopen({ enrichers: [slow] })
  await enough.promise
  await place.library.close()
  const { done } = await place.database.enrichments.progress('mean-colour', '1')
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(40)
  await place.reopen({ enrichers: [colours] })
  await place.library.idle()
  expect((await outcome('1', ids)).size).toBe(40)
  expect(new Set(colours.seen).size).toBe(40)
  expect(colours.seen).toHaveLength(40)
  const idle = meanColour('1')
  await place.reopen({ enrichers: [idle] })
  await place.library.idle()
  expect(idle.seen).toEqual([])
})

it('an enricher that fails for a reason of its own is tried again', async () => {
  const ids = await addAll(3)
  const colours = meanColour('1')
  let failures = 2
  const flaky: Enricher = {
    ...colours,
    async run(...image) {
      if (failures-- > 0) throw new Error('the service is away')
      return colours.run(...image)
    },
  }
  await place.reopen({ enrichers: [flaky] })
  await place.library.idle()
  expect((await outcome('1', ids)).size).toBe(3)
  expect(place.complaints).toContain('indexing pauses')
})
