import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImage } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

describe('errors in variables', () => {
  const rank =
    'query ($prompts: [PromptInput!], $candidates: [ConceptInput!]!) { rank(prompts: $prompts, candidates: $candidates) { items { index } } }'
  const prompts = [{ text: 'a' }]
  const good = Array.from({ length: 200 }, () => ({ text: 'a' }))

  it.each([
    [
      'two ways of giving a concept',
      { prompts, candidates: [...good, { text: 'a', base64: 'b' }] },
      /^Variable "\$candidates" got invalid value .*text: "a".* at "candidates\[200\]"; Exactly one key/,
    ],
    [
      'a number for a text',
      { prompts, candidates: [...good, { text: 5 }] },
      /^Variable "\$candidates" got invalid value 5 at "candidates\[200\]\.text"; String cannot/,
    ],
    ['null for a text', { prompts: [{ text: null }], candidates: good }, /^prompts\[0\] is empty\./],
    ['a text for a list of inputs', { prompts: 'no', candidates: good }, /^Variable "\$prompts" got/],
    ['nothing at all', { prompts }, /^Variable "\$candidates" of required type/],
  ])('an error in variables says where it is: %s', async (_, variables, message) => {
    const answer = await server.query(rank, variables)
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.message).toMatch(message)
  })

  it('an error in variables says where a number that is too large is', async () => {
    const { body } = await server.raw('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(rank)},"variables":{"prompts":[{"text":"a","weight":1e400}],"candidates":[]}}`,
    })
    expect(JSON.parse(body).errors[0].message).toMatch(
      /^Variable "\$prompts" got invalid value Infinity at "prompts\[0\]\.weight"; Float cannot/,
    )
  })

  it('an error in variables cuts long values', async () => {
    const long = `at "candidates[7]"; ${'x'.repeat(1_000_000)}`
    const several = await server.query(rank, { prompts, candidates: [{ text: long, base64: 'b' }] })
    expect(several.message).toMatch(/^Variable.* at "candidates\[0\]"; Exactly one key/)
    expect(several.message!.length).toBeLessThan(300)
    const weight = await server.query(rank, { prompts: [{ ...prompts[0], weight: long }], candidates: [] })
    expect(weight.message).toMatch(/^Variable.* got invalid value .*… at "prompts\[0\]\.weight"; Float.*…$/)
    expect(weight.message!.length).toBeLessThan(500)
  })
})

describe('requests of another form', () => {
  const get = (query: string) => server.raw(`/graphql?${query}`)
  const post = (type: string, body: string, headers = {}) =>
    server.raw('/graphql', {
      method: 'POST',
      headers: { 'content-type': type, 'x-limn-client': 'test', ...headers },
      body,
    })
  const form = (operations: string, map: string) =>
    `--b\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${operations}\r\n--b\r\ncontent-disposition: form-data; name="map"\r\n\r\n${map}\r\n--b--\r\n`
  const multipart = 'multipart/form-data; boundary=b'
  const document = encodeURIComponent('{ models { id } }')

  it.each([
    ['variables', () => get(`query=${document}&variables=x`), /variables and extensions must be JSON/],
    ['extensions', () => get(`query=${document}&extensions={`), /variables and extensions must be JSON/],
    ['variables that are a list', () => get(`query=${document}&variables=[1]`), /variables/],
    [
      'an urlencoded form',
      () => post('application/x-www-form-urlencoded', `query=${document}&variables=x`),
      /variables and extensions must be JSON/,
    ],
    ['a body', () => post('application/json', '{"query"'), /^The body is not valid JSON/],
    ['operations', () => post(multipart, form('null', '{"0": ["variables.a"]}')), /multipart/],
    ['a map', () => post(multipart, form('{"query":"{ models { id } }"}', '{"0": 5}')), /multipart/],
  ])('a malformed part of a request is BAD_USER_INPUT: %s', async (_, send, message) => {
    const { status, body } = await send()
    const [error] = JSON.parse(body).errors
    expect(error.message).toMatch(message)
    expect({ status, extensions: error.extensions }).toEqual({
      status: 400,
      extensions: { code: 'BAD_USER_INPUT' },
    })
  })

  it('a request of another method is refused as such', async () => {
    const { status, body } = await server.raw('/graphql', { method: 'PUT' })
    expect({ status, message: JSON.parse(body).errors[0].message }).toEqual({
      status: 405,
      message: expect.stringMatching(/GET and POST/),
    })
  })

  it('a request of an unknown type is refused in words', async () => {
    const { status, body, headers } = await post('application/xml', '<a/>')
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 415,
      type: expect.stringMatching(/^application\/(graphql-response\+)?json/),
    })
    expect(JSON.parse(body).errors[0]).toMatchObject({
      message: expect.stringContaining('"application/xml"'),
      extensions: { code: 'BAD_USER_INPUT' },
    })
  })
})

describe('statuses', () => {
  const send = (query: string, accept: string) =>
    server.raw('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query }),
    })
  const both = ['application/json', 'application/graphql-response+json']

  it.each(both)(
    'the status of a request that was executed is 200, whatever came of it: %s',
    async (accept) => {
      const [asset] = await addImages(server, [await testImage()])
      const field = 'embedding(model: "nope") { dimensions }'
      const partial = await send(`{ asset(id: "${asset}") { name ${field} } }`, accept)
      expect(partial.status).toBe(200)
      expect(JSON.parse(partial.body)).toMatchObject({
        data: { asset: { embedding: null } },
        errors: [{ path: ['asset', 'embedding'], extensions: { code: 'MODEL_NOT_FOUND' } }],
      })
      const none = await send('{ embed(inputs: [], model: "nope") { __typename } }', accept)
      expect({ status: none.status, data: JSON.parse(none.body).data }).toEqual({
        status: 200,
        data: { embed: null },
      })
    },
  )

  it('the status of a stream is 200, with the error inside', async () => {
    const { status, headers, body } = await send(
      'subscription { drawing(id: "run_none") { step } }',
      'text/event-stream',
    )
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/event-stream' })
    expect(body).toMatch(/event: next\ndata: .*no drawing.*BAD_USER_INPUT.*\n\nevent: complete/)
  })

  it.each([
    ['anything', '{ models { id } }', 'application/xml'],
    ['a subscription', 'subscription { drawing(id: "run_none") { step } }', 'image/*, application/xml;q=0.9'],
  ])('an answer that the client does not accept is 406, in words: %s', async (_, query, accept) => {
    const { status, body } = await send(query, accept)
    expect(status).toBe(406)
    expect(JSON.parse(body).errors[0]).toMatchObject({
      message: expect.stringContaining(accept),
      extensions: { code: 'BAD_USER_INPUT' },
    })
  })

  it('a subscription of a client that accepts no streams is 406 too', async () => {
    const input = '{ prompts: [{ text: "a" }], generator: PIXELS, steps: 1, width: 16, height: 16 }'
    const { data } = await server.query(`mutation { startDrawing(input: ${input}) { drawing { id } } }`)
    const subscription = `subscription { drawing(id: "${data.startDrawing.drawing.id}") { step } }`
    const { status, body } = await send(subscription, 'application/json')
    expect(status).toBe(406)
    expect(JSON.parse(body).errors[0].message).toMatch(/text\/event-stream for a subscription/)
  })

  it('nothing is done for a client that could not read the answer', async () => {
    const image = (await testImage({ disc: 'purple' })).toString('base64')
    const add = `mutation { addAssets(input: { assets: [{ image: { base64: "${image}" } }] }) { results { ... on AddedAsset { duplicate } } } }`
    expect((await send(add, 'application/xml')).status).toBe(406)
    const { body } = await send(add, 'application/json')
    expect(JSON.parse(body).data.addAssets.results).toEqual([{ duplicate: false }])
  })
})

describe('moments', () => {
  const assets = 'query ($at: DateTime) { assets(where: { createdAfter: $at }) { edges { cursor } } }'

  it.each([
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '2026-02-30T00:00:00Z',
    '2026-02-30',
    '2025-02-29T00:00:00Z',
    '2026-01-01T25:00:00Z',
  ])('a moment that does not exist is refused: %s', async (at) => {
    const answer = await server.query(assets, { at })
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.message).toContain(`There is no moment "${at}"`)
    const before = `{ assets(where: { createdBefore: "${at}" }) { edges { cursor } } }`
    expect((await server.query(before)).code).toBe('BAD_USER_INPUT')
  })

  it.each(['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2024-02-29T00:30:00+14:00', '2026-11-23'])(
    'a moment that exists is accepted: %s',
    async (at) => {
      expect((await server.query(assets, { at })).errors).toBeUndefined()
    },
  )
})

describe('forged cursors', () => {
  const cursor = (...fields: unknown[]) => Buffer.from(JSON.stringify(fields)).toString('base64url')
  const document = (list: string) =>
    `query ($after: String) { ${list === 'search' ? 'search(prompt: "a", after: $after)' : 'assets(after: $after)'} { edges { cursor } } }`

  it.each([
    ['search', cursor('search', 0.1, '\u0000', 'print')],
    ['search', cursor('search', 'NaN', 'asset_a', 'print')],
    ['search', cursor('search', 0.1, ['asset_a'], 'print')],
    ['search', cursor('search')],
    ['assets', cursor('assets', '\u0000')],
    ['assets', cursor('assets', { a: 1 })],
    ['assets', cursor('assets')],
    ['assets', Buffer.from('null').toString('base64url')],
  ])('a forged cursor of %s is refused: %s', async (list, after) => {
    const answer = await server.query(document(list), { after })
    expect(answer).toMatchObject({ status: 200, code: 'BAD_USER_INPUT' })
    expect(answer.message).toMatch(/is not a cursor of this list/)
  })
})

describe('values that are unknown', () => {
  const long = 'x'.repeat(100_000)
  const image = (document: string) => `query ($id: ID!) { ${document} }`

  it.each([
    ['a prompt', image('rank(prompts: [{ assetId: $id }], candidates: []) { model { id } }')],
    ['an image', image('guide(image: { assetId: $id }, prompt: "a") { loss }')],
    ['an item', image('embed(inputs: [{ assetId: $id }]) { ... on InputError { message } }')],
    ['a model', image('rank(prompt: "a", candidates: [], model: $id) { model { id } }')],
    ['a drawing', 'mutation ($id: ID!) { stopDrawing(input: { id: $id }) { userErrors { message } } }'],
    [
      'an update',
      'mutation ($id: ID!) { updateAsset(input: { id: $id, title: "a" }) { userErrors { message } } }',
    ],
    [
      'an asset that is added',
      'mutation ($id: ID!) { addAssets(input: { assets: [{ image: { assetId: $id } }] }) { results { ... on InputError { message } } } }',
    ],
  ])('an error repeats only the beginning of an unknown value: %s', async (_, document) => {
    const { data, message } = await server.query(document, { id: long })
    const [answer] = Object.values<any>(data)
    const said: string = message ?? (answer.userErrors ?? answer)[0]?.message ?? answer.results[0].message
    expect(said).toMatch(/no (asset|model|drawing) "x{80}…"/)
    expect(said.length).toBeLessThan(300)
  })
})
