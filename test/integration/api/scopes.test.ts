import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Access } from '../../../api/access/auth.ts'
import { createReadiness } from '../../../api/http/health.ts'
import { createRouter } from '../../../api/http/router.ts'
import { type Scope, scopes } from '../../../schema/core/caller.ts'
import { schema } from '../../../schema/index.ts'
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
    callerOf: (key) => ({
      id: key,
      scopes: key.split('+') as Scope[],
      tenant: null,
      collection: null,
      share: 1,
    }),
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
const run = '{ prompts: [{ text: "a" }], generator: PIXELS, steps: 1, width: 16, height: 16 }'

describe('scopes', () => {
  const operations: [Scope, string, () => string][] = [
    ['read', 'models', () => '{ models { id } }'],
    ['read', 'assets', () => '{ assets { edges { cursor } } }'],
    ['read', '__schema', () => '{ __schema { queryType { name } } }'],
    [
      'insert',
      'addAssets',
      () => 'mutation { addAssets(input: { assets: [{ image: { base64: "" } }] }) { __typename } }',
    ],
    ['insert', 'startDrawing', () => `mutation { startDrawing(input: ${run}) { drawing { id } } }`],
    ['insert', 'stopDrawing', () => 'mutation { stopDrawing(input: { id: "run_none" }) { __typename } }'],
    ['edit', 'deleteDrawings', () => 'mutation { deleteDrawings(input: { ids: [] }) { __typename } }'],
    [
      'edit',
      'updateAssets',
      () => 'mutation { updateAssets(input: { ids: [], addTags: ["a"] }) { __typename } }',
    ],
    [
      'edit',
      'renameCollection',
      () => 'mutation { renameCollection(input: { from: "none", to: "other" }) { __typename } }',
    ],
    [
      'edit',
      'updateAsset',
      () => `mutation { updateAsset(input: { id: "${asset}", title: "a" }) { __typename } }`,
    ],
    [
      'edit',
      'deleteAssets',
      () => 'mutation { deleteAssets(input: { ids: ["asset_none"] }) { __typename } }',
    ],
  ]

  it.each(operations)('a caller without the scope %s cannot use %s', async (scope, _name, document) => {
    const { status, body } = await send(document(), without(scope))
    const { data, errors } = JSON.parse(body)
    expect(status).toBe(403)
    expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([])
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining(`"${scope}"`),
      extensions: { code: 'FORBIDDEN' },
    })
  })

  it.each(operations)('a caller with the scope %s is let through to %s', async (scope, _name, document) => {
    expect((await send(document(), scope)).body).not.toContain('FORBIDDEN')
  })

  it('a caller without the scope read sees no similar images below a mutation', async () => {
    const document = `mutation { updateAsset(input: { id: "${asset}", title: "a" }) { asset { title similar { nodes { id } } } } }`
    const { data, errors } = JSON.parse((await send(document, without('read'))).body)
    expect(data.updateAsset.asset).toEqual({ title: 'a', similar: null })
    expect(errors[0].extensions.code).toBe('FORBIDDEN')
    expect((await send(document, 'read+edit')).body).not.toContain('FORBIDDEN')
  })

  it('the scopes that are tried here are those that the server states', async () => {
    const { body } = await send('{ server { operations { name scope } } }', 'read')
    const stated = JSON.parse(body).data.server.operations as { name: string; scope: string }[]
    for (const [scope, name] of operations)
      if (name !== '__schema') expect(stated).toContainEqual({ name, scope: scope.toUpperCase() })
    const mutations = Object.keys(schema.getMutationType()!.getFields())
    expect(operations.map(([, name]) => name)).toEqual(expect.arrayContaining(mutations))
  })

  it('a caller without the scope read cannot subscribe', async () => {
    const { body } = await send(
      'subscription { drawing(id: "run_none") { step } }',
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
