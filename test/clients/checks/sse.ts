/** graphql-sse in its distinct connections mode, the one that the server speaks. */
import assert from 'node:assert/strict'
import { createClient } from 'graphql-sse'
import type { Client } from './check.ts'
import { ask, type Limn, party, smallDrawing } from './limn.ts'

// A status that is no answer is tried again, for half a minute: here it is a failure.
const open = ({ graphql, key }: Limn) =>
  createClient({ url: graphql, headers: { 'x-api-key': key }, retryAttempts: 0 })

async function start({ graphql }: Limn, input: object): Promise<string> {
  const { startDrawing } = await ask(
    graphql,
    'mutation ($input: StartDrawingInput!) { startDrawing(input: $input) { drawing { id } userErrors { message } } }',
    { input },
  )
  assert.deepEqual(startDrawing.userErrors, [])
  return startDrawing.drawing.id
}

const query = 'subscription ($id: ID!) { drawing(id: $id) { id status step loss svg preview { mimeType } } }'

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const result of results) found.push(result)
  return found
}

export default {
  checks: {
    async queries(limn) {
      const document = '{ search(prompt: "birthday party", first: 3) { nodes { name } } }'
      const answers = await all(open(limn).iterate<any>({ query: document }))
      const nodes = party.slice(0, 3).map((name) => ({ name }))
      assert.deepEqual(answers, [{ data: { search: { nodes } } }])
    },

    async subscriptions(limn) {
      const id = await start(limn, smallDrawing)
      const frames = await all(open(limn).iterate<any>({ query, variables: { id } }))
      const drawings = frames.map(({ data }) => data.drawing)
      assert.ok(drawings.every((drawing) => drawing.id === id))
      const steps = drawings.map(({ step }) => step)
      assert.deepEqual(
        steps,
        steps.toSorted((a, b) => a - b),
      )
      const last = drawings.at(-1)
      assert.deepEqual(
        [last.status, last.step, last.preview],
        ['DONE', smallDrawing.steps, { mimeType: 'image/png' }],
      )
      assert.match(last.svg, /^<svg /)
      assert.ok(last.loss > 0 && drawings.length >= 2)
      // Who comes late is told the end.
      const late = await all(open(limn).iterate<any>({ query, variables: { id } }))
      assert.deepEqual(
        late.map(({ data }) => data.drawing),
        [last],
      )
    },

    async 'leaving early'(limn) {
      const id = await start(limn, { ...smallDrawing, steps: 500 })
      for await (const { data } of open(limn).iterate<any>({ query, variables: { id } }))
        if (data.drawing.step > 0) break
      const { stopDrawing } = await ask(
        limn.graphql,
        'mutation ($id: ID!) { stopDrawing(input: { id: $id }) { drawing { status } userErrors { message } } }',
        { id },
      )
      assert.deepEqual(stopDrawing, { drawing: { status: 'STOPPED' }, userErrors: [] })
    },

    async errors(limn) {
      const codes = async (client: ReturnType<typeof createClient>, document: string) =>
        (await all(client.iterate<any>({ query: document, variables: { id: 'run_none' } }))).map(
          ({ data, errors }) => [data, errors!.map(({ extensions }) => extensions!.code)],
        )
      const client = open(limn)
      assert.deepEqual(await codes(client, query), [[undefined, ['BAD_USER_INPUT']]])
      assert.deepEqual(await codes(client, '{ nothing }'), [[undefined, ['BAD_USER_INPUT']]])
      const single = createClient({ url: limn.graphql, singleConnection: true, retryAttempts: 0 })
      await assert.rejects(codes(single, query), /405/)
      const stranger = open({ ...limn, key: 'not the key' })
      assert.deepEqual(await codes(stranger, query), [[undefined, ['UNAUTHENTICATED']]])
    },
  },
} satisfies Client
