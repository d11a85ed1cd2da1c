import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestServer, testServer } from '../../support/server.ts'

/** https://github.com/graphql/graphql-http: what the GraphQL over HTTP specification asks of a server. */
describe('GraphQL over HTTP', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer()
  })
  afterAll(() => server?.close())

  for (const audit of serverAudits({ url: () => `${server.url}/graphql` }))
    it(audit.name, async () => {
      const result = await audit.fn()
      expect(result, 'reason' in result ? result.reason : '').toMatchObject({ status: 'ok' })
    })
})
