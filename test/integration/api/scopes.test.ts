import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Access } from '../../../api/access/auth.ts'
import { createReadiness } from '../../../api/http/health.ts'
import { createRouter } from '../../../api/http/router.ts'
import { type Scope, scopes } from '../../../schema/core/caller.ts'
import { testImage } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

/** A second door to the server: a key is the list of its scopes. */
let server: TestServer
let door: http.Server
let asset: string
beforeAll(async () => {
  server = await testServer()
  ;[asset] = (await addImages(server, [await testImage()])) as [string]
  const access = new Access({
    keyRequired: true,
    callerOf: (key) => ({ id: key, scopes: key.split('+') as Scope[], tenant: null, share: 1 }),
  })
  const readiness = createReadiness(server.app.services, server.app.registry.defaultName, server.app.log)
  door = http.createServer(createRouter(server.app, access, readiness)).listen(0, '127.0.0.1')
  await new Promise((resolve) => door.once('listening', resolve))
})
afterAll(async () => {
  await new Promise((resolve) => door?.close(resolve))
  await server?.close()
})

async function send(query: string, key: string, accept = 'application/json') {
  const response = await fetch(`http://127.0.0.1:${(door.address() as AddressInfo).port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, 'x-api-key': key },
    body: JSON.stringify({ query }),
  })
  return { status: response.status, body: await response.text() }
}

const without = (scope: Scope) => scopes.filter((one) => one !== scope).join('+')
const run = '{ prompts: [{ concept: { text: "a" } }], generator: PIXELS, steps: 1, width: 16, height: 16 }'

describe('scopes', () => {
  const operations: [Scope, string, () => string][] = [
    ['read', 'models', () => '{ models { id } }'],
    ['read', 'assets', () => '{ assets { edges { cursor } } }'],
    ['read', '__schema', () => '{ __schema { queryType { name } } }'],
    [
      'read',
      'similar below a mutation',
      () => `mutation { updateAsset(id: "${asset}", title: "a") { similar { edges { cursor } } } }`,
    ],
    [
      'insert',
      'addAssets',
      () => 'mutation { addAssets(inputs: [{ image: { base64: "" } }]) { __typename } }',
    ],
    ['insert', 'startGuidance', () => `mutation { startGuidance(input: ${run}) { id } }`],
    ['insert', 'stopGuidance', () => 'mutation { stopGuidance(id: "run_none") { id } }'],
    ['edit', 'updateAsset', () => `mutation { updateAsset(id: "${asset}", title: "a") { id } }`],
    ['edit', 'deleteAssets', () => 'mutation { deleteAssets(ids: ["asset_none"]) }'],
  ]

  it.each(operations)('a caller without the scope %s cannot use %s', async (scope, _name, document) => {
    const { status, body } = await send(document(), without(scope))
    const { data, errors } = JSON.parse(body)
    expect({ status, data: data ?? null }).toEqual({ status: 403, data: null })
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining(`"${scope}"`),
      extensions: { code: 'FORBIDDEN' },
    })
  })

  it.each(operations)('a caller with the scope %s is let through to %s', async (scope, _name, document) => {
    const needed = document().includes('similar') ? 'read+edit' : scope
    expect((await send(document(), needed)).body).not.toContain('FORBIDDEN')
  })

  it('a caller without the scope read cannot subscribe', async () => {
    const { body } = await send(
      'subscription { guidance(id: "run_none") { step } }',
      without('read'),
      'text/event-stream',
    )
    expect(body).toMatch(/event: next\ndata: .*FORBIDDEN.*\n\nevent: complete/)
  })

  it('only a caller with the scope admin sees the metrics of the server', async () => {
    const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/metrics`
    const status = async (key: string) => (await fetch(url, { headers: { 'x-api-key': key } })).status
    expect(await status(without('admin'))).toBe(403)
    expect(await status('admin')).toBe(200)
  })
})
