import http from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { svg } from '../support/images.ts'
import { type TestServer, testServer } from '../support/server.ts'

const callers = 2000
let server: TestServer
beforeAll(async () => {
  server = await testServer({ queueLimit: 64 })
})
afterAll(() => server?.close())

interface Outcome {
  status: number
  data?: { embed: { vector: string }[] }
  errors?: { extensions: { code: string; retryAfterMs?: number } }[]
  retryAfter?: string
}

/** A connection of its own and an image of its own for each: encoding takes longer than asking. */
function embed(name: string): Promise<Outcome> {
  const drawing = svg({ size: 400 }).replace('<rect', `<desc>${name}</desc><rect`)
  const body = JSON.stringify({
    query:
      'query ($base64: String!) { embed(inputs: [{ base64: $base64 }]) { ... on Embedding { vector } } }',
    variables: { base64: Buffer.from(drawing).toString('base64') },
  })
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const req = http.request(`${server.url}/graphql`, { method: 'POST', headers, agent: false }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () =>
        resolve({ status: res.statusCode!, retryAfter: res.headers['retry-after'], ...JSON.parse(text) }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })
}

describe('2,000 requests at once against a queue of 64', () => {
  it('2,000 requests at once are each answered with a vector or OVERLOADED, and the server is as before', async () => {
    const outcomes = await Promise.all(Array.from({ length: callers }, (_, n) => embed(`burst ${n}`)))
    const served = outcomes.filter(({ status }) => status === 200)
    const refused = outcomes.filter(({ status }) => status === 503)
    expect(served.length + refused.length).toBe(callers)
    expect(served.length).toBeGreaterThanOrEqual(64)
    expect(refused.length).toBeGreaterThan(0)
    for (const { data } of served) expect(Buffer.from(data!.embed[0]!.vector, 'base64')).toHaveLength(1024)
    for (const { errors, retryAfter } of refused) {
      expect(errors![0]!.extensions.code).toBe('OVERLOADED')
      expect(errors![0]!.extensions.retryAfterMs).toBeGreaterThan(0)
      expect(Number(retryAfter)).toBeGreaterThan(0)
    }

    expect((await embed('after the burst')).status).toBe(200)
    expect(server.app.services.encoder.stats().waiting).toBe(0)
  })

  it('2,000 requests at once leave no memory behind', async () => {
    const { setFlagsFromString } = await import('node:v8')
    const { runInNewContext } = await import('node:vm')
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const burst = async () => {
      await Promise.all(Array.from({ length: callers }, (_, n) => embed(`again ${n}`)))
      collect()
      return process.memoryUsage().heapUsed
    }
    await burst()
    const before = await burst()
    await burst()
    // A request that stayed behind would hold its body, its context and its error: well over 10 kB.
    expect((await burst()) - before).toBeLessThan(2 * callers * 2000)
  })
})
