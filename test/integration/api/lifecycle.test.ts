import http from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { startServer } from '../../../api/server.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

const query = (texts: string[]) =>
  JSON.stringify({
    query: 'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { __typename } }',
    variables: { inputs: texts.map((text) => ({ text })) },
  })

const waiting = () => server!.app.services.encoder.stats().waiting

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a caller that goes away', () => {
  it('the work of a caller that disconnects is dropped', async () => {
    server = await testServer()
    const { encoder } = server.app.services
    const rounds = 8
    const each = 200
    const before = encoder.stats().encoded
    const gone = Array.from({ length: rounds }, (_, round) => {
      const req = http.request(`${server!.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        agent: false,
      })
      req.on('error', () => {})
      req.end(query(Array.from({ length: each }, (_, n) => `abandoned ${round} ${n}`)))
      return req
    })
    await until(() => waiting() > each)
    for (const req of gone) req.destroy()
    await until(() => waiting() === 0)
    expect(encoder.stats().encoded - before).toBeLessThan(rounds * each)
    expect((await server.query('{ embed(inputs: [{ text: "still here" }]) { __typename } }')).status).toBe(
      200,
    )
  })
})

describe('a deadline', () => {
  it('a request past its deadline is DEADLINE_EXCEEDED, and its waiting work is dropped', async () => {
    server = await testServer({ deadlineMs: 1 })
    const answer = await server.query(JSON.parse(query(['x'])).query, {
      inputs: Array.from({ length: 256 }, (_, n) => ({ text: `too slow ${n}` })),
    })
    expect(answer).toMatchObject({ status: 504, code: 'DEADLINE_EXCEEDED' })
    await until(() => waiting() === 0)
  })
})

describe('closing', () => {
  it('a closing server finishes the requests under way and takes no more', async () => {
    server = await testServer()
    const { url } = server
    const begun = server.query(JSON.parse(query([])).query, {
      inputs: Array.from({ length: 256 }, (_, n) => ({ text: `last words ${n}` })),
    })
    await until(() => waiting() >= 256)
    const closed = server.close()
    server = undefined
    expect((await begun).status).toBe(200)
    await closed
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  })
})

describe('two servers on one data folder', () => {
  it('a second server on one data folder refuses and names the first', async () => {
    server = await testServer()
    await expect(startServer({ ...server.app.config, port: 0 })).rejects.toThrow(new RegExp(`${process.pid}`))
    expect((await server.query('{ assets { edges { cursor } } }')).status).toBe(200)
  })
})

describe('a port that is taken', () => {
  it('a port in use is named, and nothing stays open', async () => {
    server = await testServer()
    const port = Number(new URL(server.url).port)
    await expect(testServer({ port })).rejects.toThrow(new RegExp(`Port ${port}`))
  })
})
