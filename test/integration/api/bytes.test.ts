/** Memory is bounded by bytes: of bodies in flight, and of images that the server fetches. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
  data?: { embed: { code: string; message: string }[] }
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
