import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { limits } from '../../../workers/limits.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer({ maxUploadBytes: 1_234_567 })
})
afterAll(() => server?.close())

it('the server states its version and its limits, fixed ones and settings', async () => {
  const { data } = await server.query('{ server { version limits { name value unit description } } }')
  expect(data.server.version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  const named = (name: string) => data.server.limits.find((limit: { name: string }) => limit.name === name)
  expect(named('prompts')).toMatchObject({ value: limits.prompts, unit: 'prompts' })
  expect(named('uploadBytes')).toMatchObject({ value: 1_234_567, unit: 'bytes' })
  const names = data.server.limits.map(({ name }: { name: string }) => name)
  expect(new Set(names).size).toBe(names.length)
})

it('the server states its operations and the scope of each', async () => {
  const { data } = await server.query('{ server { operations { name kind scope } } }')
  expect(data.server.operations).toEqual(
    expect.arrayContaining([
      { name: 'search', kind: 'QUERY', scope: 'READ' },
      { name: 'addAssets', kind: 'MUTATION', scope: 'INSERT' },
      { name: 'deleteDrawings', kind: 'MUTATION', scope: 'EDIT' },
      { name: 'drawing', kind: 'SUBSCRIPTION', scope: 'READ' },
    ]),
  )
})

it('a root field that fails takes no other with it; what was executed has status 200', async () => {
  const failing = 'search(prompt: " ") { nodes { id } }'
  const partial = await server.query(`{ models { id } ${failing} }`)
  expect(partial).toMatchObject({ status: 200, code: 'BAD_USER_INPUT', data: { search: null } })
  expect(partial.data.models).toHaveLength(1)
  const none = await server.query(`{ ${failing} other: ${failing} }`)
  expect(none).toMatchObject({ status: 200, code: 'BAD_USER_INPUT', data: { search: null, other: null } })
  const absent = await server.query(`{ asset(id: "asset_none") { id } ${failing} }`)
  expect(absent).toMatchObject({ status: 200, data: { asset: null, search: null } })
})
