import http from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits } from '../../../workers/limits.ts'
import { testImage } from '../../support/images.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer({ maxBodyBytes: 300_000, maxUploadBytes: 100_000, deadlineMs: 30_000 })
})
afterAll(() => server?.close())

describe('documents', () => {
  it.each([
    [
      'aliases',
      `{ ${Array.from({ length: limits.aliases + 1 }, (_, n) => `a${n}: models { id }`).join(' ')} }`,
    ],
    ['levels', `{ asset(id: "x") ${'{ similar { edges { node '.repeat(5)} { id } ${'} } }'.repeat(5)} }`],
    ['tokens', `{ ${'models { id } '.repeat(limits.tokens / 3)} }`],
    ['brackets', `{ embed(inputs: ${'['.repeat(5000)}${']'.repeat(5000 - 100)}) { __typename } }`],
    ['nested selections', '{ asset(id: "x") '.repeat(3000)],
    [
      'cost',
      '{ assets(first: 100) { edges { node { similar(first: 100) { edges { node { id name } } } } } } }',
    ],
  ])('a document with too many of %s is TOO_COMPLEX', async (_what, document) => {
    const { status, code, message, data } = await server.query(document)
    expect({ status, code }).toEqual({ status: 400, code: 'TOO_COMPLEX' })
    expect(message).toMatch(/\d/)
    expect(data).toBeUndefined()
  })

  it('a document may hold any number of brackets in texts, in comments and side by side', async () => {
    const text = '['.repeat(1000)
    const document = `# ${text}\n{ embed(inputs: [${'{ text: "[[((" }, '.repeat(200)}{ text: "${text}" }, { text: """${text}""" }]) { __typename } }`
    expect((await server.query(document)).data.embed).toHaveLength(202)
  })

  it('the cost of a document depends on its variables', async () => {
    const document =
      'query ($n: Int!) { assets(first: $n) { edges { node { similar(first: $n) { edges { node { id name } } } } } } }'
    expect((await server.query(document, { n: 5 })).errors).toBeUndefined()
    expect((await server.query(document, { n: 100 })).code).toBe('TOO_COMPLEX')
  })

  it.each([
    ['{ assets(first: 1000000) { edges { node { id } } } }', /^first is 1000000; .* 1 to 100/],
    ['{ assets(last: 1000000) { edges { node { id } } } }', /^last is 1000000; .* 1 to 100/],
    ['{ search(prompt: "a", first: 1000000) { edges { node { id } } } }', /^first is 1000000/],
    ['query ($n: [ID!]!) { nodes(ids: $n) { id } }', /^ids has 30000 entries; at most 1000/],
    [
      'query ($c: [ConceptInput!]!) { rank(prompt: "a", candidates: $c) { items { index } } }',
      /^candidates has 2500 entries; at most 1024/,
    ],
    [
      'query ($c: [ConceptInput!]!) { embed(inputs: $c) { __typename } }',
      /^inputs has 2500 entries; at most 256/,
    ],
  ])('an argument over its limit is named: %s', async (document, message) => {
    const n = document.includes('$n') ? { n: Array.from({ length: 30_000 }, () => 'x') } : {}
    const c = document.includes('$c') ? { c: Array.from({ length: 2500 }, () => ({ text: 'a' })) } : {}
    const answer = await server.query(document, { ...n, ...c })
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.message).toMatch(message)
  })

  it('an argument of a mutation over its limit is named in its user errors', async () => {
    const { data } = await server.query(
      'mutation ($n: [ID!]!) { deleteAssets(input: { ids: $n }) { deletedIds userErrors { field message } } }',
      { n: Array.from({ length: 30_000 }, () => 'x') },
    )
    expect(data.deleteAssets).toEqual({
      deletedIds: [],
      userErrors: [
        {
          field: ['input', 'ids'],
          message: expect.stringMatching(/^input\.ids has 30000 entries; at most 1000/),
        },
      ],
    })
  })

  it('a field of negative size does not pay for another', async () => {
    const dear =
      'assets(first: 100) { edges { node { similar(first: 100) { edges { node { id name } } } } } }'
    const answer = await server.query(`{ a: assets(first: -1000000) { edges { node { id } } } ${dear} }`)
    expect(answer.code).toBe('TOO_COMPLEX')
  })

  it('introspection as GraphiQL sends it is within the limits', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    const { data } = await server.query(
      getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true }),
    )
    expect(data.__schema.types.length).toBeGreaterThan(30)
  })
})

describe('bodies', () => {
  const tooMuch = JSON.stringify({ query: '{ models { id } }', variables: { x: 'x'.repeat(400_000) } })

  it('a body over the limit is PAYLOAD_TOO_LARGE', async () => {
    const answer = await server.raw('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: tooMuch,
    })
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.body).errors[0]).toMatchObject({
      message: expect.stringMatching(/\d+ bytes; the limit is \d+ \(LIMN_MAX_BODY_BYTES\)/),
      extensions: { code: 'PAYLOAD_TOO_LARGE' },
    })
  })

  it('a body without a length is counted as it comes', async () => {
    const status = await new Promise((resolve, reject) => {
      const req = http.request(
        `${server.url}/graphql`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (res) => {
          res.resume()
          resolve(res.statusCode)
        },
      )
      req.on('error', reject)
      for (let at = 0; at < tooMuch.length; at += 50_000) req.write(tooMuch.slice(at, at + 50_000))
      req.end()
    })
    expect(status).toBe(413)
  })

  it('an upload over its limit costs that input alone', async () => {
    const png = await testImage()
    const { data } = await server.upload(
      'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { ... on InputError { index code message } ... on Embedding { modality } } }',
      { inputs: [{ upload: null }, { upload: null }] },
      {
        'inputs.0.upload': new File([new Uint8Array(150_000)], 'big.png'),
        'inputs.1.upload': new File([new Uint8Array(png)], 'small.png'),
      },
    )
    expect(data.embed).toEqual([
      { index: 0, code: 'TOO_LARGE', message: expect.stringMatching(/150000.*100000/) },
      { modality: 'IMAGE' },
    ])
  })

  it('a multipart body takes no more files than inputs, and long operations', async () => {
    const document = 'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { __typename } }'
    const count = limits.embedInputs + 1
    const files = Object.fromEntries(
      Array.from({ length: count }, (_, n) => [`inputs.${n}.upload`, new File(['x'], 'x')]),
    )
    const many = await server.upload(
      document,
      { inputs: Array.from({ length: count }, () => ({ upload: null })) },
      files,
    )
    expect(many).toMatchObject({
      status: 400,
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('256'),
    })
    const big = await testServer()
    try {
      const long = { inputs: [{ base64: Buffer.alloc(1_500_000, 'x').toString('base64') }, { upload: null }] }
      const { data } = await big.upload(document, long, {
        'inputs.1.upload': new File([new Uint8Array(await testImage())], 'a.png'),
      })
      expect(data.embed.map((result: any) => result.__typename)).toEqual(['InputError', 'Embedding'])
    } finally {
      await big.close()
    }
  })

  it('an image in base64 has the limit of an upload', async () => {
    const { data } = await server.query(
      'query ($b: String!) { embed(inputs: [{ base64: $b }]) { ... on InputError { code } } }',
      {
        b: Buffer.alloc(120_000).toString('base64'),
      },
    )
    expect(data.embed).toEqual([{ code: 'TOO_LARGE' }])
  })
})
