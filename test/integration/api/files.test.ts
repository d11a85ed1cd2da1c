import { writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { svg, testImage } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let png: Buffer
let path: string
let svgPath: string
beforeAll(async () => {
  server = await testServer({ allowPrivateUrls: true })
  png = await testImage({ size: 600 })
  const ids = await addImages(server, [png, Buffer.from(svg({ disc: 'indigo' }))])
  const { data } = await server.query('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { url } } }', {
    ids,
  })
  ;[path, svgPath] = data.nodes.map((node: any) => new URL(node.url).pathname)
})
afterAll(() => server?.close())

describe('files', () => {
  it('files are served as they were taken in, for ever', async () => {
    const answer = await server.fetch(path)
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).equals(png)).toBe(true)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png.length),
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
      'accept-ranges': 'bytes',
    })
  })

  it('files are not sent again to a client that has them', async () => {
    const etag = (await server.raw(path, { method: 'HEAD' })).headers.etag!
    const again = await server.raw(path, { headers: { 'if-none-match': `"other", W/${etag}` } })
    expect(again).toMatchObject({ status: 304, body: '' })
  })

  it('files answer HEAD without the bytes', async () => {
    const head = await server.raw(path, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-length']).toBe(String(png.length))
  })

  it('files are read in parts', async () => {
    const part = await server.fetch(path, { headers: { range: 'bytes=4-9' } })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 4-9/${png.length}`)
    expect(Buffer.from(await part.arrayBuffer())).toEqual(png.subarray(4, 10))
    const beyond = await server.raw(path, { headers: { range: `bytes=${png.length}-` } })
    expect(beyond.status).toBe(416)
    expect(beyond.headers['content-range']).toBe(`bytes */${png.length}`)
    const stale = await server.raw(path, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } })
    expect(stale.status).toBe(200)
  })

  it('files have thumbnails of a few sizes, which are read in parts too', async () => {
    const answer = await server.fetch(`${path}/thumbnail/128`)
    expect(answer.headers.get('content-type')).toBe('image/webp')
    const { width, height, format } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata()
    expect({ width, height, format }).toEqual({ width: 128, height: 128, format: 'webp' })
    expect((await server.raw(`${path}/thumbnail/129`)).status).toBe(404)
    const whole = Buffer.from(await (await server.fetch(`${path}/thumbnail/128`)).arrayBuffer())
    const end = await server.fetch(`${path}/thumbnail/128`, { headers: { range: 'bytes=-5' } })
    expect(end.headers.get('content-range')).toMatch(`/${whole.length}`)
    expect(Buffer.from(await end.arrayBuffer())).toEqual(whole.subarray(-5))
  })

  it('files that are SVG cannot run scripts of this origin', async () => {
    const { headers } = await server.raw(svgPath)
    expect(headers['content-type']).toBe('image/svg+xml')
    expect(headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/)
  })

  it.each([
    '/files/',
    `/files/${'0'.repeat(64)}`,
    '/files/../key',
    '/files/%2e%2e/key',
    `/files/${'0'.repeat(64)}/../../../key`,
    '/files/..%2f..%2fkey',
  ])('no file is found at %s', async (path) => expect((await server.raw(path)).status).toBe(404))

  it('files are only read', async () => {
    const answer = await server.raw(path, { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })

  it('files are images that other requests may name by their address', async () => {
    const { data } = await server.query(
      'query ($url: URL!) { embed(inputs: [{ url: $url }, { url: "ftp://x/y" }]) { ... on Embedding { contentHash } ... on InputError { code } } }',
      {
        url: server.url + path,
      },
    )
    expect(data.embed[0].contentHash).toBe(path.split('/').at(-1))
    expect(['INVALID', 'URL_FORBIDDEN']).toContain(data.embed[1].code)
  })

  it('files that are damaged are not served, and their thumbnails say why there are none', async () => {
    const bytes = await testImage({ disc: 'crimson' })
    const [id] = await addImages(server, [bytes])
    const { data } = await server.query(`{ asset(id: "${id}") { url contentHash mimeType } }`)
    const { contentHash } = data.asset
    const url = new URL(data.asset.url).pathname
    await server.app.services.library.idle()
    const file = `${server.app.config.home}/files/${contentHash.slice(0, 2)}/${contentHash.slice(2)}.png`
    writeFileSync(file, bytes.subarray(0, 80))
    expect((await server.fetch(url)).status).toBe(404)
    for (let times = 0; times < 2; times++) {
      const answer = await server.fetch(`${url}/thumbnail/128`)
      expect(answer.status).toBe(422)
      expect(await answer.text()).toMatch(/damaged or cut short; add the image again/)
    }
    await addImages(server, [bytes])
    expect((await server.fetch(url)).status).toBe(200)
    expect((await server.fetch(`${url}/thumbnail/128`)).status).toBe(200)
  })

  it('files are gone with their asset', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'coral' })])
    const { data } = await server.query(`{ asset(id: "${id}") { url thumbnail } }`)
    await server.query(`mutation { deleteAssets(input: { ids: ["${id}"] }) { deletedIds } }`)
    for (const url of [data.asset.url, data.asset.thumbnail])
      expect((await server.raw(new URL(url).pathname)).status).toBe(404)
  })
})
