import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../../prisma/types.ts'
import { defaultLimits } from '../../../workers/images/open.ts'
import { imageProcess } from '../../../workers/images/process/image-process.ts'
import { svg, testImages } from '../../support/images.ts'
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
const rowOf = async (id: string) => (await place.database.assets.byIds([id])).get(id)!
async function addAll(count: number): Promise<string[]> {
  const added = await Promise.all((await testImages(count)).map((bytes) => place.library.add({ bytes })))
  return added.map(({ asset }) => asset.id)
}

it('indexing goes on through an encoder that has no room', async () => {
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
] as const)('indexing goes on when the database is away for a while (%s)', async (method, times) => {
  await place.reopen({ database: failing(place.database, method, times) })
  const ids = await addAll(40)
  await place.library.idle()
  expect((await place.database.vectors.get(await revision(), ids)).size).toBe(40)
  expect(place.complaints).toContain('indexing pauses')
})

it('an SVG is not marked when the process that renders it does not start, and is indexed when it does', async () => {
  // This thread's process, which looks at new files, is there; those of the new encoder do not start.
  await imageProcess.svgHeader(Buffer.from(svg()), defaultLimits)
  process.env.LIMN_TEST_LONG = 'x'.repeat(200_000)
  const encoder = await testEncoder(place.home)
  try {
    await place.reopen({ encoder })
    const { asset } = await place.library.add({ bytes: Buffer.from(svg({ disc: 'blue' })) })
    await expect.poll(() => place.complaints, { timeout: 60_000 }).toContain('indexing pauses')
    expect(await rowOf(asset.id)).toMatchObject({ status: 'PENDING', error: null })
    delete process.env.LIMN_TEST_LONG
    await place.reopen()
    await place.library.idle()
    expect(await rowOf(asset.id)).toMatchObject({ status: 'READY', error: null })
  } finally {
    delete process.env.LIMN_TEST_LONG
    await encoder.close()
  }
})

it('an image that cannot be decoded is marked with the reason, once, and indexing goes on with the rest', async () => {
  const [bad, ...good] = await testImages(5)
  const { asset } = await place.library.add({ bytes: bad! })
  await place.library.idle()
  // As if it had been damaged before its turn.
  writeFileSync(place.filePath(asset), bad!.subarray(0, 60))
  modelTwin(place.home, 'twin', { logit_scale_init_value: 1 })
  const encoder = await testEncoder(place.home, { model: 'twin' })
  await place.reopen({ encoder })
  const added = await Promise.all(good.map((bytes) => place.library.add({ bytes })))
  await place.library.idle()
  const row = await rowOf(asset.id)
  expect(row.status).toBe('FAILED')
  expect(row.error).toMatch(/damaged or cut short/)
  const { card } = await encoder.get()
  const ids = added.map(({ asset }) => asset.id)
  expect((await place.database.vectors.get(card.revision, ids)).size).toBe(4)
  expect(await place.library.vectors([row])).toEqual(new Map())
  expect(place.complaints.filter((message) => message === 'an image cannot be indexed')).toHaveLength(1)
  expect(await place.library.progress()).toEqual([
    { enricher: 'vectors', revision: card.revision, done: 5, failed: 1, total: 5 },
  ])
  // Given again, whole: another try.
  expect(await place.library.add({ bytes: bad! })).toMatchObject({ duplicate: true })
  await place.library.idle()
  expect(await rowOf(asset.id)).toMatchObject({ status: 'READY', error: null })
  await place.library.close()
  await encoder.close()
})

it('an image whose file is absent stays pending, is reported once, and is indexed when it is added again', async () => {
  const [gone, ...others] = await testImages(4)
  await place.library.close()
  const { row } = await place.database.assets.add({
    contentHash: createHash('sha256').update(gone!).digest('hex'),
    name: 'gone.png',
    title: null,
    description: null,
    tags: [],
    collections: [],
    mimeType: 'image/png',
    bytes: gone!.length,
    width: 96,
    height: 96,
  })
  await place.reopen()
  for (const bytes of others) await place.library.add({ bytes })
  await place.library.idle()
  expect(await rowOf(row.id)).toMatchObject({ status: 'PENDING', error: null })
  expect(
    place.complaints.filter((message) => /not on this server.*LIMN_HOME\/files/.test(message)),
  ).toHaveLength(1)
  expect(await place.library.progress()).toMatchObject([{ done: 3, failed: 0, total: 4 }])
  expect(await place.library.add({ bytes: gone! })).toMatchObject({ duplicate: true })
  await place.library.idle()
  expect((await rowOf(row.id)).status).toBe('READY')
})

it('an asset that was deleted before its turn is no absent file', async () => {
  const encoder = await testEncoder(place.home, { queueLimit: 2 })
  await place.reopen({ encoder })
  const ids = await addAll(20)
  await place.library.delete(ids)
  await place.library.idle()
  expect(place.complaints).toEqual([])
  await place.library.close()
  await encoder.close()
})
