/** Images that would keep a decoder busy for long. */
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AssetRow } from '../../prisma/types.ts'
import { defaultLimits } from '../../workers/images/open.ts'
import { FolderStore } from '../../workers/ingest/folder-store.ts'
import { openEncoder, type TestEncoder, vectors } from '../support/encoders.ts'
import { tallTileTiff } from '../support/hostile-images.ts'
import { svg, testImages } from '../support/images.ts'
import { type TestServer, testServer } from '../support/server.ts'

const maxDecodeMs = 1500
const slow = tallTileTiff()
const refusal = {
  code: 'INVALID',
  message: expect.stringMatching(
    /^The image takes more than (1\.5 s|1500 MB of memory) to decode; save it anew, as PNG or JPEG\.$/,
  ),
}

let server: TestServer
let encoder: TestEncoder
beforeAll(async () => {
  server = await testServer({ maxDecodeMs })
  encoder = await openEncoder({
    limits: { ...defaultLimits, milliseconds: maxDecodeMs },
    decodeThreads: 1,
  })
})
afterAll(async () => {
  await server?.close()
  await encoder?.close()
})

it('an image that takes too long to decode is refused by itself, and those beside it are encoded', async () => {
  const images = await testImages(8)
  const drawing = Buffer.from(svg({ disc: 'teal' }))
  const inputs = [slow, ...images, drawing, Buffer.concat([slow, Buffer.alloc(1)])]
  const results = await encoder.encode(inputs.map((image) => ({ image })))
  expect(results[0]).toMatchObject(refusal)
  expect(results.at(-1)).toMatchObject(refusal)
  expect(vectors(results.slice(1, -1))).toHaveLength(9)
  expect(encoder.stats().waiting).toBe(0)
})

it('an image that takes too long to decode is not added, and those beside it are, and have thumbnails', async () => {
  const images = [slow, ...(await testImages(3)), Buffer.from(svg({ disc: 'olive' }))]
  const { data } = await server.query(
    `mutation ($input: AddAssetsInput!) {
      addAssets(input: $input) {
        results { ... on AddedAsset { asset { thumbnail(size: 64) } } ... on InputError { code message } }
      }
    }`,
    { input: { assets: images.map((bytes) => ({ image: { base64: bytes.toString('base64') } })) } },
  )
  const [refused, ...added] = data.addAssets.results
  expect(refused).toEqual(refusal)
  for (const { asset } of added)
    expect((await server.fetch(new URL(asset.thumbnail).pathname)).status).toBe(200)
})

/** Puts an image into the library that a server of another Limn has taken. */
async function store(bytes: Buffer, mimeType: string): Promise<AssetRow> {
  const { database } = server.app.services
  const contentHash = createHash('sha256').update(bytes).digest('hex')
  await FolderStore.of(server.app.config.home).put(contentHash, mimeType, bytes)
  const texts = { name: 'slow', title: null, description: null, tags: [], collections: [] }
  const size = { bytes: bytes.length, width: 400, height: 400 }
  return (await database.assets.add({ ...texts, ...size, contentHash, mimeType })).row
}

it('thumbnails of slow drawings hold up no drawing that is added, and their failure is remembered', async () => {
  const blur = '<filter id="f" x="0" y="0" width="1" height="1"><feGaussianBlur stdDeviation="20"/></filter>'
  const rects = '<rect width="400" height="400" filter="url(#f)"/>'.repeat(20_000)
  const slowDrawing = svg({ size: 400 }).replace('<rect', `${blur}${rects}<rect`)
  const assets = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      store(Buffer.from(`${slowDrawing}<!--${n} ${Math.random()}-->`), 'image/svg+xml'),
    ),
  )
  const { library } = server.app.services
  let over = 0
  const thumbnail = (asset: AssetRow) => library.openThumbnail(asset, 64).catch((error) => error)
  const thumbnails = assets.map((asset) => thumbnail(asset).finally(() => over++))
  const drawing = svg({ disc: 'coral' }).replace('<rect', `<desc>${Math.random()}</desc><rect`)
  expect(await library.add({ bytes: Buffer.from(drawing) })).toMatchObject({ duplicate: false })
  expect(over).toBeLessThan(4)
  const failures = await Promise.all(thumbnails)
  for (const failure of failures)
    expect(failure).toMatchObject({ code: 'INVALID', message: expect.stringMatching(/takes more than/) })

  let started = 0
  const count = () => void started++
  subscribe('child_process', count)
  expect(await Promise.all(assets.map(thumbnail))).toEqual(failures)
  unsubscribe('child_process', count)
  expect(started).toBe(0)
  await library.delete(assets.map(({ id }) => id))
})
