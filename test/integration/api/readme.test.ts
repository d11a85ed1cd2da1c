/** The README's answers are those of a new server. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestServer, testServer } from '../../support/server.ts'

const readme = readFileSync('README.md', 'utf8')
const examples = [...readme.matchAll(/```graphql\n(.*?)```\n```json\n(.*?)```/gs)].map(
  ([, query, answer]) => ({
    query: query!,
    answer: JSON.parse(answer!),
  }),
)
const samples: unknown[] = JSON.parse(readFileSync('workers/ingest/samples/manifest.json', 'utf8'))

let server: TestServer
beforeAll(async () => {
  server = await testServer({ samples: true })
  while ((await server.app.services.database.assets.count()) < samples.length) await sleep(100)
  await server.app.services.library.idle()
  // How much a word counts follows from how often it was counted.
  await server.app.services.database.words.idle()
})
afterAll(() => server?.close())

it('the README has the first examples of a plugin author', () => {
  expect(examples.length).toBeGreaterThanOrEqual(3)
})

it.each(examples)('the server answers as the README says: $query', async ({ query, answer }) => {
  const { data, errors } = await server.query(query)
  expect(errors).toBeUndefined()
  expect(sameSpace(data, answer)).toEqual(sameSpace(answer, answer))
})

/** Numbers to two digits after the point, and of a packed vector that the README cuts short as much as it shows. */
function sameSpace(value: any, like: any): unknown {
  if (typeof value === 'number' && typeof like === 'number')
    return Math.abs(value - like) < 0.01 ? like : value
  if (typeof value === 'string' && typeof like === 'string' && like.endsWith('…')) {
    const shown = halves(like.slice(0, -1))
    return sameSpace(halves(value).slice(0, shown.length), shown)
  }
  if (Array.isArray(value)) return value.map((one, i) => sameSpace(one, like?.[i]))
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, sameSpace(one, like?.[key])]))
  return value
}

function halves(base64: string): number[] {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
  return Array.from(new Float16Array(bytes.buffer.slice(0, bytes.length & ~1)))
}
