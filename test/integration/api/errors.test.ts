import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

describe('errors in variables', () => {
  const rank =
    'query ($prompts: [PromptInput!], $candidates: [ConceptInput!]!) { rank(prompts: $prompts, candidates: $candidates) { items { index } } }'
  const prompts = [{ concept: { text: 'a' } }]
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
    [
      'null for a text',
      { prompts: [{ concept: { text: null } }], candidates: good },
      /^Variable "\$prompts" got invalid value .* at "prompts\[0\]\.concept(\.text)?"; /,
    ],
    ['a text for a list of inputs', { prompts: 'no', candidates: good }, /^Variable "\$prompts" got/],
    ['nothing at all', { prompts }, /^Variable "\$candidates" of required type/],
  ])('say where they are: %s', async (_, variables, message) => {
    const answer = await server.query(rank, variables)
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.message).toMatch(message)
  })

  it('say where a number that is too large is', async () => {
    const { body } = await server.raw('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(rank)},"variables":{"prompts":[{"concept":{"text":"a"},"weight":1e400}],"candidates":[]}}`,
    })
    expect(JSON.parse(body).errors[0].message).toMatch(
      /^Variable "\$prompts" got invalid value Infinity at "prompts\[0\]\.weight"; Float cannot/,
    )
  })

  it('cut what is long', async () => {
    const long = `at "candidates[7]"; ${'x'.repeat(1_000_000)}`
    const several = await server.query(rank, { prompts, candidates: [{ text: long, base64: 'b' }] })
    expect(several.message).toMatch(/^Variable.* at "candidates\[0\]"; Exactly one key/)
    expect(several.message!.length).toBeLessThan(300)
    const weight = await server.query(rank, { prompts: [{ ...prompts[0], weight: long }], candidates: [] })
    expect(weight.message).toMatch(/^Variable.* got invalid value .*… at "prompts\[0\]\.weight"; Float.*…$/)
    expect(weight.message!.length).toBeLessThan(500)
  })
})
