/** What the server says where the model knows no photographs, and the library has some. */
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniform } from '../../../workers/random.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

/** As heavy as a photograph: noise on soft light. */
async function photo(seed: number): Promise<Buffer> {
  const random = uniform(seed)
  const [width, height] = [320, 240]
  const data = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, n) => 60 + ((n / 3) % width) / 3 + 60 * random()),
  )
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer()
}

const own = '{ server { notices { code message command } } }'

describe('notices', () => {
  it('a model says what it is for', async () => {
    const { data } = await server.query('{ models { domain knows } }')
    expect(data.models).toEqual([
      { domain: 'ICONS_AND_ILLUSTRATIONS', knows: expect.stringContaining('no photographs') },
    ])
  })

  it('a library without photographs needs none', async () => {
    const icon = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#d33' } })
      .png()
      .toBuffer()
    await addImages(server, [icon])
    expect((await server.query(own)).data.server.notices).toEqual([])
  })

  it('one with photographs names the command that brings a model for them, in server and search', async () => {
    await addImages(server, await Promise.all([1, 2, 3].map(photo)))
    const [notice] = (await server.query(own)).data.server.notices
    expect(notice.code).toBe('MODEL_KNOWS_NO_PHOTOGRAPHS')
    expect(notice.message).toMatch(
      /^3 of 4 images look like photographs, which the model limn-icons does not know/,
    )
    expect(notice.message).toMatch(/\d+ MB, MIT/)
    expect(notice.command).toMatch(/^limn models pull [\w-]+\/[\w-]+$/)
    const { data } = await server.query('{ search(prompt: "a beach") { notices { code } } }')
    expect(data.search.notices).toEqual([{ code: 'MODEL_KNOWS_NO_PHOTOGRAPHS' }])
  })
})
