/** What clients, proxies and tools of others expect of a GraphQL server over HTTP. */
import { createHash } from 'node:crypto'
import http from 'node:http'
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { buildSchema } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../../api/version.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer({ maxBodyBytes: 200_000 })
})
afterAll(() => server?.close())

interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

interface Received {
  status: number
  headers: http.IncomingHttpHeaders
  bytes: Buffer
  json: any
}

/** Bytes as they come over the wire. */
function send({ method = 'POST', path = '/graphql', headers = {}, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const req = http.request(
      server.url + path,
      { method, agent: false, headers: { ...type, ...headers } },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.on('end', () => {
          const bytes = Buffer.concat(chunks)
          let json: unknown
          try {
            json = JSON.parse(bytes.toString())
          } catch {
            json = undefined
          }
          resolve({ status: res.statusCode!, headers: res.headers, bytes, json })
        })
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

const query = (document: string, more: object = {}) => JSON.stringify({ query: document, ...more })
const models = '{ models { id } }'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('persisted documents', () => {
  const persisted = (document: string) => ({
    persistedQuery: { version: 1, sha256Hash: sha256(document) },
  })

  it('a document is registered by its hash and then asked for by the hash alone, by POST and by GET', async () => {
    const document = '{ models { id dimensions } }'
    const extensions = persisted(document)
    const alone = JSON.stringify({ extensions })
    const unknown = await send({ body: alone })
    expect(unknown.status).toBe(200)
    expect(unknown.json.errors[0]).toMatchObject({
      message: 'PersistedQueryNotFound',
      extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' },
    })
    const registered = await send({ body: query(document, { extensions }) })
    expect(registered.json.data.models[0].id).toBeTruthy()
    expect((await send({ body: alone })).json).toEqual(registered.json)
    const path = `/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`
    expect((await send({ method: 'GET', path })).json).toEqual(registered.json)
    const id = `/graphql?documentId=sha256:${sha256(document)}`
    expect((await send({ method: 'GET', path: id })).json).toEqual(registered.json)
    const documentId = `sha256:${sha256(document)}`
    expect((await send({ body: JSON.stringify({ documentId }) })).json).toEqual(registered.json)
  })

  it('a document is registered by GET too', async () => {
    const document = '{ models { revision } }'
    const extensions = encodeURIComponent(JSON.stringify(persisted(document)))
    const full = `/graphql?query=${encodeURIComponent(document)}&extensions=${extensions}`
    const { json } = await send({ method: 'GET', path: full })
    expect(json.data.models).toHaveLength(1)
    expect((await send({ method: 'GET', path: `/graphql?extensions=${extensions}` })).json).toEqual(json)
  })

  it('a mutation that is persisted is refused by GET', async () => {
    const document = 'mutation { deleteAssets(input: { ids: [] }) { deletedIds } }'
    const extensions = persisted(document)
    expect((await send({ body: query(document, { extensions }) })).json.data).toEqual({
      deleteAssets: { deletedIds: [] },
    })
    const path = `/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`
    expect((await send({ method: 'GET', path })).status).toBe(405)
  })

  it.each([
    ['a hash of another document', { version: 1, sha256Hash: sha256('x') }],
    ['another version', { version: 2, sha256Hash: sha256(models) }],
    ['no hash', { version: 1 }],
    ['a text', 'x'],
  ])('a persisted query with %s is refused', async (_, persistedQuery) => {
    const { json } = await send({ body: query(models, { extensions: { persistedQuery } }) })
    expect(json.errors[0].extensions.code).toBe('BAD_USER_INPUT')
  })

  it('the documents of many hashes do not fill the memory: the oldest are forgotten', async () => {
    const register = (n: number) => {
      const document = `{ models { id } } # ${n} ${'x'.repeat(100_000)}`
      return send({ body: query(document, { extensions: persisted(document) }) })
    }
    for (let n = 0; n < 60; n++) expect((await register(n)).status).toBe(200)
    const first = `{ models { id } } # 0 ${'x'.repeat(100_000)}`
    const { json } = await send({ body: JSON.stringify({ extensions: persisted(first) }) })
    expect(json.errors[0].message).toBe('PersistedQueryNotFound')
  })
})

describe('preflights', () => {
  it('a preflight allows the headers that it asks for, and is kept', async () => {
    const asked =
      'apollographql-client-name,apollographql-client-version,traceparent,sentry-trace,baggage,cache-control,x-limn-client'
    const { status, headers } = await send({
      method: 'OPTIONS',
      headers: {
        origin: 'https://design.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    })
    expect(status).toBe(204)
    const allowed = headers['access-control-allow-headers']!.split(/,\s*/)
    expect(allowed).toEqual(expect.arrayContaining([...asked.split(','), 'content-type', 'x-api-key']))
    expect(Number(headers['access-control-max-age'])).toBeGreaterThan(600)
    expect(headers['access-control-allow-credentials']).toBeUndefined()
  })

  it('a preflight that asks for no names of headers gets the usual ones', async () => {
    const headers = { origin: 'null', 'access-control-request-headers': 'a b; <script>' }
    const answer = await send({ method: 'OPTIONS', headers })
    expect(answer.headers['access-control-allow-headers']).toContain('content-type')
    expect(answer.headers['access-control-allow-headers']).not.toContain('script')
  })
})

describe('requests', () => {
  it('keys of a body that the specification does not name are ignored', async () => {
    const { json } = await send({ body: query(models, { id: 1, key: 'x', http: {}, operationName: null }) })
    expect(json.data.models).toHaveLength(1)
  })

  it.each([
    'x-limn-client',
    'x-apollo-operation-name',
    'apollo-require-preflight',
    'graphql-preflight',
    'x-graphql-yoga-csrf',
  ])('a form with the header %s is not forged', async (name) => {
    const body = `query=${encodeURIComponent(models)}`
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await send({ body, headers: type })).status).toBe(403)
    expect((await send({ body, headers: { ...type, [name]: '1' } })).json.data.models).toHaveLength(1)
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('a body in %s is read, within the limit of its unpacked bytes', async (encoding, compress) => {
    const headers = { 'content-encoding': encoding }
    const good = await send({ body: compress(Buffer.from(query(models))), headers })
    expect(good.json.data.models).toHaveLength(1)
    const bomb = await send({ body: compress(Buffer.alloc(50_000_000, 0x20)), headers })
    expect(bomb.status).toBe(413)
    expect(bomb.json.errors[0].extensions).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', limit: 200_000 })
    const damaged = await send({ body: compress(Buffer.from(query(models))).subarray(0, 20), headers })
    expect({ status: damaged.status, code: damaged.json.errors[0].extensions.code }).toEqual({
      status: 400,
      code: 'BAD_USER_INPUT',
    })
  })

  it('a body in an encoding that is not read is refused by its name', async () => {
    const { status, json } = await send({ body: query(models), headers: { 'content-encoding': 'zstd' } })
    expect(status).toBe(415)
    expect(json.errors[0].message).toMatch(/"zstd".*gzip, deflate or br/)
  })

  it('a WebSocket is refused with a word on server-sent events', async () => {
    const headers = {
      ...{ connection: 'Upgrade', upgrade: 'websocket' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
      'sec-websocket-protocol': 'graphql-transport-ws',
    }
    const { status, json } = await send({ method: 'GET', headers })
    expect(status).toBe(400)
    expect(json.errors[0].message).toMatch(/server-sent events.*text\/event-stream/)
  })
})

describe('answers', () => {
  const long = '{ __schema { types { name description fields { name description } } } }'

  it.each([
    ['gzip, deflate, br', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['gzip;q=0, br;q=0.5', 'br', brotliDecompressSync],
    ['*', 'gzip', gunzipSync],
  ] as const)('a long answer to accept-encoding: %s comes in %s', async (accepted, encoding, unpack) => {
    const plain = await send({ body: query(long) })
    expect(plain.headers['content-encoding']).toBeUndefined()
    const packed = await send({ body: query(long), headers: { 'accept-encoding': accepted } })
    expect(packed.headers).toMatchObject({
      'content-encoding': encoding,
      vary: expect.stringMatching(/accept-encoding/i),
    })
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2)
    expect(unpack(packed.bytes).equals(plain.bytes)).toBe(true)
  })

  it('a short answer and a stream of events come as they are', async () => {
    const headers = { 'accept-encoding': 'gzip' }
    expect((await send({ body: query(models), headers })).headers['content-encoding']).toBeUndefined()
    const events = await send({
      body: query('subscription { drawing(id: "run_none") { step } }'),
      headers: { ...headers, accept: 'text/event-stream' },
    })
    expect(events.bytes.toString()).toContain('event: next')
  })

  it.each([
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
  ])('a refusal before GraphQL begins has the type that %s asks for', async (accept, type) => {
    const keyless = await send({ body: query(models), headers: { accept, 'x-api-key': 'of nobody' } })
    expect({ status: keyless.status, type: keyless.headers['content-type'] }).toEqual({
      status: 401,
      type: `${type}; charset=utf-8`,
    })
    const large = await send({
      body: query(models, { variables: { x: 'x'.repeat(300_000) } }),
      headers: { accept },
    })
    expect({ status: large.status, type: large.headers['content-type'] }).toEqual({
      status: 413,
      type: `${type}; charset=utf-8`,
    })
  })

  it('a refusal before GraphQL begins is an event for a client that reads nothing but events', async () => {
    const headers = { accept: 'text/event-stream', 'x-api-key': 'of nobody' }
    const refused = await send({ body: query(models), headers })
    expect({ status: refused.status, type: refused.headers['content-type'] }).toEqual({
      status: 200,
      type: 'text/event-stream',
    })
    expect(refused.bytes.toString()).toMatch(
      /^event: next\ndata: {"errors".*UNAUTHENTICATED.*}\n\nevent: complete/,
    )
    const both = { ...headers, accept: 'text/event-stream, application/json' }
    expect((await send({ body: query(models), headers: both })).status).toBe(401)
  })

  it.each([
    ['a wrong document', '{ nothing }', 200, 400],
    ['no document', '{', 200, 400],
    ['a variable that is missing', 'query ($a: [ID!]!) { nodes(ids: $a) { id } }', 200, 400],
    ['an unknown model', '{ embed(inputs: [], model: "nope") { __typename } }', 200, 200],
    ['arguments that contradict each other', '{ search { edges { cursor } } }', 200, 200],
  ])('the status of a request with %s follows the draft', async (_, document, json, graphql) => {
    const status = async (accept: string) =>
      (await send({ body: query(document), headers: { accept } })).status
    expect(await status('application/json')).toBe(json)
    expect(await status('application/graphql-response+json')).toBe(graphql)
  })

  it('an error says which limit was passed and by how much', async () => {
    const ids = Array.from({ length: 1001 }, () => 'x')
    const { json } = await send({
      body: query('query ($a: [ID!]!) { nodes(ids: $a) { id } }', { variables: { a: ids } }),
    })
    expect(json.errors[0]).toMatchObject({
      path: ['nodes'],
      extensions: { code: 'BAD_USER_INPUT', argument: 'ids', limit: 1000, given: 1001 },
    })
  })

  it('every answer carries the version of the server', async () => {
    for (const path of ['/health', '/graphql', '/nothing', '/files/x'])
      expect((await send({ method: 'GET', path })).headers['x-limn-version']).toBe(version)
  })
})

describe('the schema as a document', () => {
  it('the schema is served to callers that may introspect it', async () => {
    const { status, bytes } = await send({ method: 'GET', path: '/schema.graphql' })
    expect(status).toBe(200)
    const schema = buildSchema(bytes.toString())
    expect(schema.getQueryType()?.getFields().embed).toBeDefined()
    expect(schema.getType('DateTime')).toMatchObject({ specifiedByURL: expect.stringContaining('rfc3339') })
    const foreign = { origin: 'https://evil.example' }
    expect((await send({ method: 'GET', path: '/schema.graphql', headers: foreign })).status).toBe(401)
    expect((await send({ path: '/schema.graphql', body: '{}' })).status).toBe(405)
  })
})
