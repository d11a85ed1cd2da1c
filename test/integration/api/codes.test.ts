/** Every error code that is documented can be met. */

import { rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statusOf } from '../../../schema/core/errors.ts'
import {
  type ItemErrorCode,
  itemErrorCodes,
  type RequestErrorCode,
  requestErrorCodes,
} from '../../../workers/errors.ts'
import { blankPng } from '../../support/hostile-images.ts'
import { testImage } from '../../support/images.ts'
import { type Answer, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
/** It fetches from this machine, and has little room and time. */
let narrow: TestServer
/** Hosts that do not answer: with a refusal, and never. */
let silent: http.Server
let closedPort: number
beforeAll(async () => {
  const portOf = (host: http.Server) => (host.address() as AddressInfo).port
  silent = http.createServer(() => {})
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
  const closed = http.createServer()
  await new Promise<void>((resolve) => void closed.listen(0, '127.0.0.1', resolve))
  closedPort = portOf(closed)
  await new Promise((resolve) => closed.close(resolve))
  server = await testServer()
  narrow = await testServer({ allowPrivateUrls: true, queueLimit: 2, deadlineMs: 5000, maxBodyBytes: 50_000 })
})
afterAll(async () => {
  silent?.closeAllConnections()
  silent?.close()
  await server?.close()
  await narrow?.close()
})

const embed = (inputs: object[], at = server) =>
  at.query(
    'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { __typename ... on InputError { code message } } }',
    { inputs },
  )

interface Met {
  code: unknown
  status: number
}
const met = ({ code, status }: Answer): Met => ({ code, status })
const ofRaw = async (sent: Promise<{ status: number; body: string }>): Promise<Met> => {
  const { status, body } = await sent
  return { status, code: JSON.parse(body).errors[0].extensions.code }
}
const json = { 'content-type': 'application/json' }
const models = JSON.stringify({ query: '{ models { id } }' })

/** A request that meets the code. */
const requests: Record<RequestErrorCode, () => Promise<Met>> = {
  UNAUTHENTICATED: async () =>
    met(await server.query('{ models { id } }', {}, { 'x-api-key': 'a key that nobody has' })),
  FORBIDDEN: () =>
    ofRaw(
      server.raw('/graphql', {
        method: 'POST',
        headers: { ...json, host: 'limn.example' },
        body: models,
      }),
    ),
  MODEL_NOT_FOUND: async () => met(await server.query('{ embed(inputs: [], model: "nope") { __typename } }')),
  BAD_USER_INPUT: async () => met(await server.query('{ nothing }', {}, { accept: graphqlResponse })),
  TOO_COMPLEX: async () => {
    const similar = (inner: string) => `similar(first: 100) { nodes { ${inner} } }`
    const document = `{ assets(first: 100) { nodes { ${similar(similar('id'))} } } }`
    return met(await server.query(document, {}, { accept: graphqlResponse }))
  },
  PAYLOAD_TOO_LARGE: () =>
    ofRaw(narrow.raw('/graphql', { method: 'POST', headers: json, body: ' '.repeat(60_000) })),
  PERSISTED_QUERY_NOT_FOUND: () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }
    const headers = { ...json, accept: graphqlResponse }
    return ofRaw(server.raw('/graphql', { method: 'POST', headers, body: JSON.stringify({ extensions }) }))
  },
  OVERLOADED: async () => met(await embed([{ text: 'a' }, { text: 'b' }, { text: 'c' }], narrow)),
  DEADLINE_EXCEEDED: async () => met(await embed([{ url: urlOf(silent) }], narrow)),
  INTERNAL: async () => {
    // A library whose place on the disk is taken.
    const files = path.join(server.app.config.home, 'files')
    rmSync(files, { recursive: true, force: true })
    writeFileSync(files, '')
    const base64 = (await testImage()).toString('base64')
    const add = 'mutation ($input: AddAssetsInput!) { addAssets(input: $input) { results { __typename } } }'
    const { code } = await server.query(add, { input: { assets: [{ image: { base64 } }] } })
    rmSync(files)
    // Only its own item is lost.
    return { code, status: 500 }
  },
}

const graphqlResponse = 'application/graphql-response+json'
const urlOf = (host: http.Server) => `http://127.0.0.1:${(host.address() as AddressInfo).port}/a.png`
const base64 = (bytes: Uint8Array | string) => ({ base64: Buffer.from(bytes).toString('base64') })

const first = async (answer: Promise<Answer>) => (await answer).data.embed[0].code
const drawing = (idempotencyKey: string, prompt: string) =>
  server.query(
    'mutation ($input: StartDrawingInput!) { startDrawing(input: $input) { userErrors { code } } }',
    { input: { prompt, generator: 'PIXELS', steps: 1, width: 16, height: 16, idempotencyKey } },
  )

/** An item that meets the code. */
const items: Record<ItemErrorCode, () => Promise<unknown>> = {
  EMPTY: () => first(embed([{ text: ' ' }])),
  UNREADABLE_IMAGE: async () => first(embed([base64((await testImage()).subarray(0, 80))])),
  UNSUPPORTED_FORMAT: () => first(embed([base64('no image')])),
  TOO_LARGE: () => first(embed([{ text: 'x'.repeat(20_000) }])),
  TOO_MANY_PIXELS: () => first(embed([base64(blankPng({ width: 70_000, height: 1 }))])),
  URL_FORBIDDEN: () => first(embed([{ url: urlOf(silent) }])),
  URL_FAILED: () => first(embed([{ url: `http://127.0.0.1:${closedPort}/a.png` }], narrow)),
  NOT_FOUND: () => first(embed([{ assetId: 'asset_none' }])),
  CONFLICT: async () => {
    await drawing('a-key', 'a house')
    return (await drawing('a-key', 'a tree')).data.startDrawing.userErrors[0].code
  },
  WRONG_DIMENSIONS: () => first(embed([{ vector: Buffer.alloc(16).toString('base64') }])),
  INVALID: () => first(embed([{ base64: '???' }])),
}

describe('codes of a request', () => {
  it.each(Object.keys(requestErrorCodes) as RequestErrorCode[])('%s is met', async (code) => {
    const { status, ...answer } = await requests[code]()
    expect(answer.code).toBe(code)
    // A model is looked for once the request is executed.
    expect(status).toBe(code === 'MODEL_NOT_FOUND' ? 200 : statusOf[code])
  })
})

describe('codes of an item', () => {
  it.each(Object.keys(itemErrorCodes) as ItemErrorCode[])('%s is met', async (code) => {
    expect(await items[code]()).toBe(code)
  })
})
