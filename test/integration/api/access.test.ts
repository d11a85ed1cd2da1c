import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverKey } from '../../../api/access/keys.ts'
import { startServer } from '../../../api/server.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const query = JSON.stringify({ query: '{ models { id } }' })
const json = { 'content-type': 'application/json' }

describe('a server without LIMN_API_KEY', () => {
  let server: TestServer
  let key: string
  beforeAll(async () => {
    server = await testServer()
    key = serverKey(server.app.config)
  })
  afterAll(() => server?.close())
  const post = (headers: Record<string, string>, body: string | FormData | URLSearchParams = query) =>
    server.raw('/graphql', { method: 'POST', headers, body })

  it('a server without a key answers callers of this machine', async () => {
    expect((await post(json)).status).toBe(200)
    expect((await post({ ...json, origin: server.url })).status).toBe(200)
  })

  it('a server without a key answers to loopback names only', async () => {
    for (const path of ['/graphql', '/health', '/metrics', '/files/x']) {
      const answer = await server.raw(path, { headers: { host: 'rebound.example' } })
      expect([path, answer.status, JSON.parse(answer.body).errors[0].extensions.code]).toEqual([
        path,
        403,
        'FORBIDDEN',
      ])
    }
  })

  it.each(['null', 'https://evil.example', 'http://127.0.0.1:1'])(
    'a server without LIMN_API_KEY wants a key of pages from %s',
    async (origin) => {
      const without = await post({ ...json, origin })
      expect(without.status).toBe(401)
      expect(JSON.parse(without.body).errors[0].extensions.code).toBe('UNAUTHENTICATED')
      // The page must be able to read why.
      expect(without.headers['access-control-allow-origin']).toBe('*')
      expect((await post({ ...json, origin, 'x-api-key': key })).status).toBe(200)
      expect((await post({ ...json, origin, authorization: `Bearer ${key}` })).status).toBe(200)
      expect((await post({ ...json, origin, authorization: '', 'x-api-key': key })).status).toBe(200)
      expect((await post({ ...json, origin, authorization: '' })).status).toBe(401)
      expect((await server.raw('/metrics', { headers: { origin } })).status).toBe(401)
    },
  )

  it('a wrong key is refused from anybody', async () => {
    expect((await post({ ...json, 'x-api-key': `${key}x` })).status).toBe(401)
  })

  it('preflights are answered with every header that the server reads, without credentials', async () => {
    const { status, headers } = await server.raw('/graphql', {
      method: 'OPTIONS',
      headers: {
        origin: 'null',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-api-key',
        'access-control-request-private-network': 'true',
      },
    })
    expect(status).toBe(204)
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    expect(headers['access-control-allow-private-network']).toBe('true')
    const allowed = String(headers['access-control-allow-headers']).split(/,\s*/)
    for (const name of ['authorization', 'content-type', 'x-api-key', 'x-limn-client'])
      expect(allowed).toContain(name)
  })

  it.each([
    [
      'multipart',
      () => {
        const form = new FormData()
        form.set('operations', query)
        form.set('map', '{}')
        return form
      },
    ],
    ['urlencoded', () => new URLSearchParams({ query: '{ models { id } }' })],
  ])('the server takes %s bodies only with a header that a form cannot send', async (_name, body) => {
    const forged = await server.fetch('/graphql', { method: 'POST', body: body() })
    expect(forged.status).toBe(403)
    expect((await forged.json()).errors[0].message).toContain('x-limn-client')
    expect(
      (await server.fetch('/graphql', { method: 'POST', body: body(), headers: { 'x-limn-client': 'test' } }))
        .status,
    ).toBe(200)
  })

  it('the server refuses text/plain, which some servers read as JSON', async () => {
    expect((await post({ 'content-type': 'text/plain' })).status).toBe(403)
  })
})

describe('a server with LIMN_API_KEY', () => {
  const apiKey = 'a-key-for-everybody'
  let server: TestServer
  beforeAll(async () => {
    server = await testServer({ apiKey })
  })
  afterAll(() => server?.close())

  it('a server with LIMN_API_KEY wants it of everybody, whatever the Host', async () => {
    const post = (headers: Record<string, string>) =>
      server.raw('/graphql', { method: 'POST', headers: { ...json, ...headers }, body: query })
    expect((await post({})).status).toBe(401)
    expect((await post({ 'x-api-key': 'a-key-for-nobody' })).status).toBe(401)
    expect((await post({ 'x-api-key': apiKey, host: 'limn.example' })).status).toBe(200)
  })

  it('a server with LIMN_API_KEY shows health without it, metrics only with it', async () => {
    expect((await server.raw('/health')).status).toBe(200)
    expect((await server.raw('/metrics')).status).toBe(401)
    expect((await server.raw('/metrics', { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(
      200,
    )
  })

  it('a server refuses to listen on other addresses without LIMN_API_KEY', async () => {
    await expect(startServer({ ...server.app.config, apiKey: undefined, host: '0.0.0.0' })).rejects.toThrow(
      /LIMN_API_KEY/,
    )
  })
})
