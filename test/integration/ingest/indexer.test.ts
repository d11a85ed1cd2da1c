import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../../prisma/types.ts'
import { testImages } from '../../support/images.ts'
import { type TestLibrary, testEncoder, testLibrary } from '../../support/library.ts'
import { modelTwin } from '../../support/server.ts'

let place: TestLibrary
beforeAll(async () => {
  place = await testLibrary()
})
afterEach(() => place?.empty())
afterAll(() => place?.close())

const revision = async () => (await place.encoder.get()).card.revision
/** The database, but that the first calls of one method of its vectors fail. */
function failing(database: Database, method: keyof Database['vectors'], times: number): Database {
  let left = times
  const vectors = new Proxy(database.vectors, {
    get: (target, name: keyof Database['vectors']) =>
      name === method && left-- > 0
        ? () => Promise.reject(new Error('the database is away'))
        : (target[name] as (...args: unknown[]) => unknown).bind(target),
  })
  return { ...database, vectors }
}
async function addAll(count: number): Promise<string[]> {
  const added = await Promise.all((await testImages(count)).map((bytes) => place.library.add({ bytes })))
  return added.map(({ asset }) => asset.id)
}

it('goes on through an encoder that has no room', async () => {
  const encoder = await testEncoder(place.home, { queueLimit: 2 })
  await place.reopen({ encoder })
  const ids = await addAll(30)
  await place.library.idle()
  expect((await place.database.vectors.get(await revision(), ids)).size).toBe(30)
  await place.library.close()
  await encoder.close()
})

it.each([
  ['put', 3],
  ['missing', 2],
] as const)('goes on when the database is away for a while (%s)', async (method, times) => {
  await place.reopen({ database: failing(place.database, method, times) })
  const ids = await addAll(40)
  await place.library.idle()
  expect((await place.database.vectors.get(await revision(), ids)).size).toBe(40)
  expect(place.complaints).toContain('indexing pauses')
})

it('marks what cannot be encoded with the reason, once, and goes on with the rest', async () => {
  const [bad, gone, ...good] = await testImages(6)
  const assets = await Promise.all(
    [bad!, gone!].map(async (bytes) => (await place.library.add({ bytes })).asset),
  )
  await place.library.idle()
  // As if they had been damaged before their turn.
  const { database } = place
  writeFileSync(place.library.filePath(assets[0]!), bad!.subarray(0, 60))
  rmSync(place.library.filePath(assets[1]!))
  modelTwin(place.home, 'twin', { logit_scale_init_value: 1 })
  const encoder = await testEncoder(place.home, { model: 'twin' })
  await place.reopen({ encoder })
  const added = await Promise.all(good.map((bytes) => place.library.add({ bytes })))
  await place.library.idle()
  const rows = await database.assets.byIds(assets.map(({ id }) => id))
  expect(assets.map(({ id }) => rows.get(id)!.status)).toEqual(['FAILED', 'FAILED'])
  expect(rows.get(assets[0]!.id)!.error).toMatch(/damaged or cut short/)
  expect(rows.get(assets[1]!.id)!.error).toMatch(/not in the store/)
  const { card: spec } = await encoder.get()
  expect(
    (
      await database.vectors.get(
        spec.revision,
        added.map(({ asset }) => asset.id),
      )
    ).size,
  ).toBe(4)
  expect(await place.library.vectors([rows.get(assets[0]!.id)!])).toEqual(new Map())
  // Given again, whole: another try.
  for (const bytes of [bad!, gone!])
    expect(await place.library.add({ bytes })).toMatchObject({ duplicate: true })
  await place.library.idle()
  for (const row of (await database.assets.byIds(assets.map(({ id }) => id))).values())
    expect(row).toMatchObject({ status: 'READY', error: null })
  await place.library.close()
  await encoder.close()
})
