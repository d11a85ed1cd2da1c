import assert from 'node:assert/strict'
import { Limn } from '../fetch/limn.ts'
import { add, draw, search } from '../fetch/operations.ts'
import type { Client } from './check.ts'
import { newImage, party, type Limn as Server, smallDrawing } from './limn.ts'
import { pageWorks } from './page.ts'
import { brief, watched } from './traffic.ts'

const open = ({ graphql, key }: Server) => new Limn(graphql, key)
const names = (list: { edges: readonly { node: { name: string } }[] }) =>
  list.edges.map(({ node }) => node.name)

export default {
  checks: {
    async 'queries and pages'(server) {
      const limn = open(server)
      const first = await search(limn, 'birthday party', 4)
      const second = await search(limn, 'birthday party', 4, first.pageInfo.endCursor)
      assert.deepEqual([...names(first), ...names(second)], party.slice(0, 8))
      const thumbnail = await fetch(first.edges[0]!.node.thumbnail)
      assert.deepEqual([thumbnail.status, thumbnail.headers.get('content-type')], [200, 'image/webp'])
    },

    async uploads(server) {
      const files = [await newImage('fetch.png'), new File(['no image'], 'notes.txt')]
      const { result, sent } = await watched(() => add(open(server), files, ['by fetch']))
      assert.deepEqual(sent.map(brief), ['POST files 200'])
      const [added, refused] = result
      assert.deepEqual(
        [added.duplicate, added.asset.name, added.asset.tags],
        [false, 'fetch.png', ['by fetch']],
      )
      assert.deepEqual([refused.index, refused.code], [1, 'UNSUPPORTED_FORMAT'])
      // An image that is only looked at.
      const document = 'query ($image: ImageInput!) { guide(image: $image, prompt: "red circle") { loss } }'
      const { data } = await open(server).ask(
        document,
        { image: { upload: null } },
        { 'image.upload': files[0]! },
      )
      assert.ok(data.guide.loss > 0)
    },

    async subscriptions(server) {
      const limn = open(server)
      const drawings = await Array.fromAsync(draw(limn, smallDrawing))
      assert.ok(drawings.length >= 2)
      assert.deepEqual([drawings.at(-1).status, drawings.at(-1).step], ['DONE', smallDrawing.steps])
      assert.match(drawings.at(-1).svg, /^<svg /)
      // Whoever leaves the loop closes the stream, and the drawing goes on.
      for await (const { step } of draw(limn, { ...smallDrawing, seed: 1 })) if (step >= 0) break
      const { data } = await limn.ask('{ drawings(first: 1) { nodes { status } } }')
      assert.ok(['QUEUED', 'RUNNING', 'DONE'].includes(data.drawings.nodes[0].status))
    },

    async 'persisted documents'(server) {
      const limn = open(server)
      const document = 'query FetchPersisted($id: ID!) { asset(id: $id) { name } }'
      const asked = (name: string) => watched(() => limn.askPersisted(document, { id: server.ids.get(name) }))
      const first = await asked('cake.webp')
      assert.deepEqual(first.sent.map(brief), ['POST hash 200', 'POST document 200'])
      const second = await asked('gift.webp')
      assert.deepEqual(second.sent.map(brief), ['POST hash 200'])
      assert.deepEqual(
        [first, second].map(({ result }) => result.data.asset.name),
        ['cake.webp', 'gift.webp'],
      )
    },

    async 'partial errors'(server) {
      const limn = open(server)
      const { data, errors } = await limn.ask(
        '{ models { id } search(prompt: "x", model: "nowhere") { nodes { id } } }',
      )
      assert.deepEqual(data, { models: [{ id: 'limn-icons' }], search: null })
      assert.deepEqual(
        errors!.map(({ path, extensions }) => [path, extensions.code]),
        [[['search'], 'MODEL_NOT_FOUND']],
      )
      await assert.rejects(draw(limn, { ...smallDrawing, steps: 0 }).next(), /steps/)
      const stranger = new Limn(server.graphql, 'not the key')
      assert.equal((await stranger.ask('{ models { id } }')).errors![0]!.extensions.code, 'UNAUTHENTICATED')
      const frames = await Array.fromAsync(stranger.follow('subscription { drawing(id: "run_none") { id } }'))
      assert.deepEqual(
        frames.map(({ errors }) => errors![0]!.extensions.code),
        ['UNAUTHENTICATED'],
      )
    },

    'the page': (server) => pageWorks(server, process.execPath, ['fetch/main.ts']),
  },
} satisfies Client
