import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './check.ts'
import { ask, isScore, type Limn, newImage, node, party, samples, samplesOnly, smallDrawing } from './limn.ts'
import { pageWorks } from './page.ts'
import { brief, watched } from './traffic.ts'

const folder = path.resolve('test/clients/relay')

/** The page's files, after the compiler has written what they import. */
async function page() {
  // Not a literal: tsc would read all of Babel.
  await import(path.join(folder, 'babel.js'))
  const files = {
    ...(await import('../relay/environment.ts')),
    ...(await import('../relay/search.ts')),
    ...(await import('../relay/library.ts')),
    ...(await import('../relay/upload.ts')),
    ...(await import('../relay/draw.ts')),
    ...(await import('../relay/similar.ts')),
    ...(await import('../relay/documents.ts')),
  }
  // Babel has held the event loop, and fetch has yet to hear that the server has closed its idle connections.
  await sleep(100)
  return files
}

const open = async ({ graphql, key }: Limn) => {
  const files = await page()
  return { ...files, limn: files.createLimn(graphql, key) }
}

const names = (list: { edges: readonly { node: { name: string } }[] }) =>
  list.edges.map(({ node }) => node.name)

export default {
  checks: {
    async 'the compiler'(limn) {
      rmSync(path.join(folder, '__generated__'), { recursive: true, force: true })
      writeFileSync(
        path.join(folder, 'schema.graphql'),
        await (await fetch(`${limn.url}/schema.graphql`)).text(),
      )
      writeFileSync(path.join(folder, 'persisted.json'), '{}')
      await node(limn, 'relay', ['../node_modules/relay-compiler/cli.js'])
    },

    async queries(server) {
      const { limn, search, named } = await open(server)
      const found = await search(limn, { prompt: 'birthday party', first: 3 })
      assert.deepEqual(names(found), party.slice(0, 3))
      for (const { score, node } of found.edges) assert.ok(isScore(server, node.name, score))
      const id = server.ids.get('cake.webp')!
      assert.deepEqual(await named(limn, id), {
        node: { id, name: 'cake.webp', tags: ['cake', 'icon'] },
        embed: [
          { dimensions: 256, modality: 'TEXT' },
          { index: 1, code: 'UNSUPPORTED_FORMAT' },
        ],
      })
    },

    async 'store and pages'(server) {
      const { limn, library, search, similarPages } = await open(server)
      const variables = { prompt: 'birthday party', first: 3 }
      const { pageInfo } = await search(limn, variables)
      const again = await watched(() => search(limn, variables))
      assert.equal(again.sent.length, 0, 'what the store has is not asked for again')
      const both = await watched(() => search(limn, { ...variables, after: pageInfo.endCursor }))
      assert.equal(both.sent.length, 1)
      assert.deepEqual(names(both.result), party.slice(0, 6))
      assert.deepEqual(names(await search(limn, { prompt: 'guitar', first: 1 })), ['guitar.webp'])
      assert.equal((await search(limn, variables)).edges.length, 6, 'the first page has the second behind it')

      const where = samplesOnly
      let list = await library(limn, { where, first: 5 })
      const lengths = [list.edges.length]
      while (list.pageInfo.hasNextPage) {
        list = await library(limn, { where, first: 5, after: list.pageInfo.endCursor })
        lengths.push(list.edges.length)
      }
      assert.deepEqual(lengths, [5, 10, 13])
      assert.deepEqual(names(list), samples.toReversed())
      assert.equal(list.totalCount, samples.length)

      const id = server.ids.get('cake.webp')!
      const { asset } = await ask(
        server.graphql,
        'query ($id: ID!) { asset(id: $id) { similar(first: 8) { nodes { name } } } }',
        { id },
      )
      const seen = await similarPages(limn, id, 2)
      assert.deepEqual(
        seen.map(({ similar }) => similar!.edges.length),
        [4, 8],
      )
      assert.deepEqual(
        names(seen[1]!.similar!),
        asset.similar.nodes.map(({ name }: any) => name),
      )
    },

    async uploads(server) {
      const { limn, add, createLimn, library, libraryId, remove } = await open(server)
      const before = await library(limn, { first: 2 })
      const files = [await newImage('relay.png'), new File(['no image'], 'notes.txt')]
      const { result, sent } = await watched(() => add(limn, files, ['by Relay'], [libraryId()]))
      assert.deepEqual(sent.map(brief), ['POST files 200'])
      const [added, refused] = result
      assert.ok(added?.__typename === 'AddedAsset' && refused?.__typename === 'InputError')
      assert.deepEqual(
        [added.duplicate, added.asset.name, added.asset.tags],
        [false, 'relay.png', ['by Relay']],
      )
      assert.deepEqual([refused.index, refused.code], [1, 'UNSUPPORTED_FORMAT'])

      const stored = await watched(() => library(limn, { first: 2 }, 'store-or-network'))
      assert.equal(stored.sent.length, 0)
      assert.deepEqual(names(stored.result), ['relay.png', ...names(before)], '@prependNode')
      await remove(limn, [added.asset.id], [libraryId()])
      const after = await watched(() => library(limn, { first: 2 }, 'store-or-network'))
      assert.equal(after.sent.length, 0)
      assert.deepEqual(names(after.result), names(before), '@deleteEdge')

      const stranger = createLimn(server.graphql, 'not the key')
      await assert.rejects(add(stranger, files), /does not know that key/)
    },

    async subscriptions(server) {
      const { limn, draw } = await open(server)
      const steps: unknown[] = []
      const shown: unknown[] = []
      const last = await draw(limn, smallDrawing, ({ id, step }) => {
        shown.push(step)
        steps.push(limn.getStore().getSource().get(id)?.step)
      })
      assert.deepEqual([last.status, last.step, last.error], ['DONE', smallDrawing.steps, null])
      assert.match(last.svg!, /^<svg /)
      assert.ok(shown.length >= 2, 'there are steps before the last')
      assert.deepEqual(steps, shown, 'the store moves on with every frame')
    },

    async 'persisted documents'(server) {
      const { limn, assetName } = await open(server)
      const asked = (name: string) => watched(() => assetName(limn, server.ids.get(name)!))
      const first = await asked('cake.webp')
      assert.deepEqual(first.sent.map(brief), ['POST hash 200', 'POST document 200'])
      const second = await asked('gift.webp')
      assert.deepEqual(second.sent.map(brief), ['POST hash 200'])
      assert.match(second.sent[0]!.body.documentId, /^sha256:[0-9a-f]{64}$/)
      assert.deepEqual(
        [first, second].map(({ result }) => result!.asset!.name),
        ['cake.webp', 'gift.webp'],
      )
    },

    async 'partial errors'(server) {
      const { limn, createLimn, draw, partial, search } = await open(server)
      const answer = await partial(limn, 'nowhere')
      assert.deepEqual(answer!.models, [{ id: 'limn-icons', isDefault: true }])
      assert.ok(answer!.direction!.strength > 0)
      assert.ok(!answer!.search.ok)
      assert.deepEqual(answer!.search.errors, [{ extensions: { code: 'MODEL_NOT_FOUND' } }])
      await assert.rejects(draw(limn, { ...smallDrawing, steps: 0 }), /steps/)
      const stranger = createLimn(server.graphql, 'not the key')
      await assert.rejects(search(stranger, { prompt: 'x', first: 1 }), /does not know that key/)
    },

    'the page': (limn) =>
      pageWorks(limn, process.execPath, ['--import', path.join(folder, 'babel.js'), 'relay/main.ts']),
  },
} satisfies Client
