/** Memory is bounded by bytes: of bodies in flight, and of images that the server fetches. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  blankPng,
  manyKeywordJpeg,
  manyPageTiff,
  manySegmentJpeg,
  pngChunk,
} from '../../support/hostile-images.ts'
import { type WatchedServer, watchedServer } from '../../support/watched-server.ts'

const mb = 2 ** 20
let server: WatchedServer
let hosts: http.Server
beforeAll(async () => {
  server = await watchedServer({ LIMN_ALLOW_PRIVATE_URLS: 'true' })
  const zeros = gzipSync(Buffer.alloc(31 * mb))
  hosts = http.createServer((_req, res) => {
    res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'image/png' }).end(zeros)
  })
  await new Promise<void>((resolve) => void hosts.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  hosts?.close()
  await server?.close()
})

interface Answer {
  status: number
  errors?: { extensions: { code: string; retryAfterMs?: number } }[]
  data?: { embed: { code: string; message: string }[]; addAssets: { results: { code?: string }[] } }
}

function post(body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const req = http.request(`${server.url}/graphql`, { method: 'POST', agent: false, headers }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode!, ...JSON.parse(text) }))
    })
    req.on('error', reject)
    req.end(body)
  })
}

describe('bytes', () => {
  it('many addresses of small files that unpack to large ones cost the request, not the memory', async () => {
    const { port } = hosts.address() as AddressInfo
    const inputs = Array.from({ length: 128 }, (_, n) => ({ url: `http://127.0.0.1:${port}/${n}.png` }))
    const before = (await server.look()).peakRss
    const answer = await post(
      Buffer.from(
        JSON.stringify({
          query: 'query ($i: [ConceptInput!]!) { embed(inputs: $i) { ... on InputError { code message } } }',
          variables: { i: inputs },
        }),
      ),
    )
    const codes = answer.data!.embed.map(({ code }) => code)
    expect(codes).toHaveLength(128)
    expect(codes).toContain('TOO_LARGE')
    const { peakRss } = await server.look()
    expect(peakRss - before).toBeLessThan(600 * mb)
  })

  it('many large bodies at once are OVERLOADED before they are read, and later ones pass', async () => {
    const head = Buffer.from('{"query":"{ models { id } }","variables":{"x":"')
    const body = Buffer.concat([head, Buffer.alloc(60 * mb, 0x61), Buffer.from('"}}')])
    const { peakRss: before } = await server.look()
    const answers = await Promise.all(Array.from({ length: 24 }, () => post(body)))
    const { peakRss } = await server.look()
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    for (const { status, errors } of refused) {
      expect(status).toBe(503)
      expect(errors![0]!.extensions).toMatchObject({ code: 'OVERLOADED', retryAfterMs: expect.any(Number) })
    }
    expect(peakRss - before).toBeLessThan(1100 * mb)
    expect((await post(body)).status).toBe(200)
  })
})

/** The goal is 50 ms on a machine of its own; tests share theirs with others. */
const maxHeldMs = 250
const svg = (inner: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inner}</svg>`)
const chunks = (count: number) => Array(count).fill(pngChunk('tEXt', Buffer.from('a\0b')))

describe('images that are added', () => {
  /** Adds one, and answers what came of it and how long it held the event loop. */
  async function add(bytes: Uint8Array) {
    const form = new FormData()
    const query =
      'mutation ($f: File!) { addAssets(input: { assets: [{ image: { upload: $f } }] }) { results { ... on InputError { code } } } }'
    form.set('operations', JSON.stringify({ query, variables: { f: null } }))
    form.set('map', '{"0":["variables.f"]}')
    form.set('0', new File([new Uint8Array(bytes)], 'image'))
    await server.look()
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'x-limn-client': 'test' },
      body: form,
    })
    const { data } = (await response.json()) as Answer
    const { heldMs } = await server.look()
    return { results: data!.addAssets.results, heldMs }
  }

  beforeAll(async () => {
    // What is started with the first of them.
    for (const bytes of [blankPng({ width: 8, height: 8 }), svg('')]) await add(bytes)
  })

  it.each<[string, () => Buffer | Promise<Buffer>, string | null]>([
    ['a PNG of 90,000 texts', () => blankPng({ width: 9, height: 9, chunks: chunks(90_000) }), null],
    ['a PNG of 500,000 texts', () => blankPng({ width: 9, height: 9, chunks: chunks(500_000) }), 'INVALID'],
    ['a JPEG of a million segments', () => manySegmentJpeg(1e6), 'INVALID'],
    ['a JPEG of 10,000 keywords', () => manyKeywordJpeg(10_000), null],
    ['a TIFF of 50,000 pages', () => manyPageTiff(50_000), null],
    ['an SVG of 400,000 references', () => svg(`<g id="a"/>${'<use href="#a"/>'.repeat(4e5)}`), 'INVALID'],
    ['an SVG with a title of 8 MB', () => svg(`<title>${'x'.repeat(8e6)}</title>`), null],
  ])('%s does not hold up the requests beside it', async (_, make, code) => {
    const { results, heldMs } = await add(await make())
    expect(results).toEqual([code === null ? {} : { code }])
    expect(heldMs).toBeLessThan(maxHeldMs)
  })
})
