import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TimingsReport } from '../../../api/hooks/use-timings.ts'
import { testImage } from '../../support/images.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

async function timed(
  query: string,
  variables: object = {},
  headers: Record<string, string> = { 'x-limn-timings': '1' },
): Promise<{ status: number; errors?: unknown[]; timings?: TimingsReport }> {
  const response = await server.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  })
  const { errors, extensions } = (await response.json()) as {
    errors?: unknown[]
    extensions?: { timings: TimingsReport }
  }
  return { status: response.status, errors, timings: extensions?.timings }
}

const embed = 'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { __typename } }'

describe('x-limn-timings', () => {
  it('an answer says how long its inputs took in each stage', async () => {
    const image = (await testImage()).toString('base64')
    const inputs = [{ base64: image }, { text: 'timed' }, { text: 'timed too' }]
    const { timings } = await timed(embed, { inputs })
    expect(timings!.encoded).toBe(3)
    for (const stage of ['decodeMs', 'queueMs', 'encodeMs'] as const) {
      const { mean, max } = timings![stage]!
      expect(mean).toBeGreaterThanOrEqual(0)
      expect(max).toBeGreaterThanOrEqual(mean)
      expect(max).toBeLessThanOrEqual(timings!.totalMs)
    }
    expect(timings!.encodeMs!.mean).toBeGreaterThan(0)
  })

  it('an answer of the cache has no stages', async () => {
    await timed(embed, { inputs: [{ text: 'cached' }] })
    const { timings } = await timed(embed, { inputs: [{ text: 'cached' }] })
    expect(timings).toEqual({
      totalMs: expect.any(Number),
      encoded: 0,
      decodeMs: null,
      queueMs: null,
      encodeMs: null,
    })
  })

  it.each([
    ['a document that does not parse', '{', 200],
    ['an unknown field', '{ nothing }', 200],
    ['an unknown model', '{ embed(inputs: [], model: "nope") { __typename } }', 200],
    ['an argument over its limit', '{ assets(first: 1000) { edges { cursor } } }', 200],
  ])('an error is timed too: %s', async (_name, document, status) => {
    const answer = await timed(document)
    expect(answer).toMatchObject({ status, timings: { totalMs: expect.any(Number), encoded: 0 } })
    expect(answer.errors).toHaveLength(1)
  })

  it('a variable that cannot be read is timed too', async () => {
    const answer = await timed(embed, { inputs: 5 })
    expect(answer).toMatchObject({ errors: [expect.anything()], timings: { encoded: 0 } })
  })

  it('a request without the header gets no timings', async () => {
    expect((await timed(embed, { inputs: [{ text: 'untimed' }] }, {})).timings).toBeUndefined()
    expect(
      (await timed(embed, { inputs: [{ text: 'untimed' }] }, { 'x-limn-timings': '0' })).timings,
    ).toBeUndefined()
  })

  it('pages of other origins may send the header', async () => {
    const { headers } = await server.raw('/graphql', { method: 'OPTIONS', headers: { origin: 'null' } })
    expect(String(headers['access-control-allow-headers']).split(', ')).toContain('x-limn-timings')
  })
})
