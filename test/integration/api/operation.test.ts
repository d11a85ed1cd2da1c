import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImage } from '../../support/images.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer({ publicUrl: 'https://limn.example/images' })
})
afterAll(() => server?.close())

describe('a running server', () => {
  it('a server is alive, and ready when a real encode and a query work', async () => {
    expect((await server.raw('/health')).status).toBe(200)
    const ready = await server.raw('/ready')
    expect(ready).toMatchObject({ status: 200, body: '{"ready":true}' })
  })

  it('the Prometheus metrics count requests and encodes', async () => {
    await server.query('{ embed(inputs: [{ text: "something to count" }]) { __typename } }')
    const { body } = await server.raw('/metrics')
    const value = (name: string) =>
      Number(body.match(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm'))?.[1])
    expect(value('limn_encoded_total')).toBeGreaterThan(0)
    expect(value('limn_batches_total')).toBeGreaterThan(0)
    expect(value('limn_queue_length')).toBe(0)
    expect(value('limn_request_seconds_count{operation="embed",outcome="ok"}')).toBe(1)
    expect(value('limn_encode_seconds_count')).toBeGreaterThan(0)
    expect(value('limn_batch_size_count{model="limn-icons",modality="text"}')).toBeGreaterThan(0)
  })

  it('addresses in answers begin with LIMN_PUBLIC_URL', async () => {
    const { data } = await server.query(
      'mutation ($b: String!) { addAssets(input: { assets: [{ image: { base64: $b } }] }) { results { ... on AddedAsset { asset { url } } } } }',
      { b: (await testImage()).toString('base64') },
    )
    expect(data.addAssets.results[0].asset.url).toMatch(
      /^https:\/\/limn\.example\/images\/files\/[0-9a-f]{64}$/,
    )
  })

  it('the server gives browsers a GraphiQL that loads nothing from elsewhere', async () => {
    const page = await server.fetch('/graphql', { headers: { accept: 'text/html' } })
    const html = await page.text()
    expect(html).toContain('a red heart')
    expect(html).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/)
    const { body } = await server.raw('/graphql', { headers: { accept: 'application/json' } })
    expect(JSON.parse(body).errors[0].message).toContain('query')
  })

  it('an answer carries the id of its request', async () => {
    expect(
      (await server.raw('/health', { headers: { 'x-request-id': 'abc-1' } })).headers['x-request-id'],
    ).toBe('abc-1')
    expect(
      (await server.raw('/health', { headers: { 'x-request-id': 'a b' } })).headers['x-request-id'],
    ).not.toBe('a b')
  })
})

describe('a server whose database is gone', () => {
  it('a server without its database is not ready, and reveals nothing of its inside', async () => {
    const broken = await testServer()
    try {
      await broken.app.services.database.close()
      const answer = await broken.query('{ assets { edges { node { id } } } }')
      expect(answer).toMatchObject({ code: 'INTERNAL', data: { assets: null } })
      expect(answer.status).toBe(503)
      expect(answer.errors![0]!.extensions.retryAfterMs).toBeGreaterThan(0)
      expect(JSON.stringify(answer.errors)).not.toMatch(/prisma|postgres|socket|SELECT|node_modules|\/tmp/i)
      expect(answer.errors![0]!.extensions.id).toMatch(/^[0-9a-f-]{36}$/)
      // What needs no database still works.
      expect((await broken.query('{ embed(inputs: [{ text: "a" }]) { __typename } }')).status).toBe(200)
      await expect
        .poll(async () => (await broken.raw('/ready')).body, { timeout: 30_000, interval: 500 })
        .toBe('{"ready":false,"problem":"database does not work"}')
    } finally {
      await broken.close()
    }
  })
})
