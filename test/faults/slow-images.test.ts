/** Images that would keep a decoder busy for long. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultLimits } from '../../workers/images/open.ts'
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
