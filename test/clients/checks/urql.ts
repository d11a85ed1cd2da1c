import assert from 'node:assert/strict'
import { CombinedError, createClient, fetchExchange, gql, type Client as Urql } from '@urql/core'
import { persistedExchange } from '@urql/exchange-persisted'
import type { Client } from './check.ts'
import { isScore, type Limn, newImage, node, party, samples, samplesOnly, smallDrawing } from './limn.ts'
import { pageWorks } from './page.ts'
import { brief, watched } from './traffic.ts'

// The cache wants the types, which the page's first step writes.
const page = async () => ({
  ...(await import('../urql/client.ts')),
  ...(await import('../urql/search.ts')),
  ...(await import('../urql/upload.ts')),
  ...(await import('../urql/draw.ts')),
})

const open = async ({ graphql, key }: Limn) => (await page()).createLimn(graphql, key)
const names = (list: { edges: readonly { node: { name: string } }[] }) =>
  list.edges.map(({ node }) => node.name)
const query = (client: Urql, document: any, variables: object = {}) =>
  client.query<any>(document, variables).toPromise()

const LIBRARY = gql`
  query Library($where: AssetWhere, $first: Int!, $after: String) {
    assets(where: $where, first: $first, after: $after) {
      totalCount
      edges { node { id name } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

export default {
  checks: {
    async 'types for the cache'(limn) {
      await node(limn, 'urql', ['schema.ts'])
      const client = await open(limn)
      const warnings: unknown[] = []
      const warn = console.warn
      console.warn = (...words) => warnings.push(words[0])
      try {
        const document = gql`
          {
            server { version limits { name } operations { name } }
            rank(prompt: "music", candidates: [{ text: "a guitar" }, { assetId: "none" }]) {
              items { text }
              errors { code }
            }
            embed(inputs: [{ text: "a" }, { text: "" }]) {
              ... on Embedding { dimensions model { id } }
              ... on InputError { code }
            }
            search(prompt: "party", first: 1) { model { id } edges { score why { words } node { id } } }
          }
        `
        const { data, error } = await query(client, document)
        assert.equal(error, undefined)
        assert.deepEqual(data.rank.items, [{ text: 'a guitar' }])
      } finally {
        console.warn = warn
      }
      assert.deepEqual(warnings, [], 'the cache has nothing to say against the types')
    },

    async queries(limn) {
      const client = await open(limn)
      const { search } = await page()
      const found = await search(client, { prompt: 'birthday party', first: 3 })
      assert.deepEqual(names(found), party.slice(0, 3))
      for (const { score, node } of found.edges) assert.ok(isScore(limn, node.name, score))
      const id = limn.ids.get('cake.webp')!
      const { data, error } = await query(
        client,
        gql`
          query ($id: ID!) {
            node(id: $id) { id ... on Asset { name tags } }
            embed(inputs: [{ text: "hot coffee" }, { base64: "AA==" }]) {
              ... on Embedding { dimensions modality }
              ... on InputError { index code }
            }
          }
        `,
        { id },
      )
      assert.equal(error, undefined)
      assert.deepEqual(data.node, { id, name: 'cake.webp', tags: ['cake', 'icon'] })
      assert.deepEqual(data.embed, [
        { dimensions: 256, modality: 'TEXT' },
        { index: 1, code: 'UNSUPPORTED_FORMAT' },
      ])
    },

    async 'cache and pages'(limn) {
      const client = await open(limn)
      const { search } = await page()
      const variables = { prompt: 'birthday party', first: 3 }
      const { pageInfo } = await search(client, variables)
      const again = await watched(() => search(client, variables))
      assert.equal(again.sent.length, 0, 'what the cache has is not asked for again')
      const both = await watched(() => search(client, { ...variables, after: pageInfo.endCursor }))
      assert.equal(both.sent.length, 1)
      assert.deepEqual(names(both.result), party.slice(0, 6))
      assert.deepEqual(names(await search(client, { prompt: 'guitar', first: 1 })), ['guitar.webp'])
      assert.equal(
        (await search(client, variables)).edges.length,
        6,
        'the first page has the second behind it',
      )

      let list = { edges: [], pageInfo: { endCursor: null, hasNextPage: true } }
      const lengths: number[] = []
      while (list.pageInfo.hasNextPage) {
        const after = list.pageInfo.endCursor
        list = (await query(client, LIBRARY, { where: samplesOnly, first: 5, after })).data.assets
        lengths.push(list.edges.length)
      }
      assert.deepEqual(lengths, [5, 10, 13])
      assert.deepEqual(names(list), samples.toReversed())
    },

    async uploads(limn) {
      const client = await open(limn)
      const { add, remove } = await page()
      const library = async () => (await query(client, LIBRARY, { first: 2 })).data.assets
      const before = await library()
      const files = [await newImage('urql.png'), new File(['no image'], 'notes.txt')]
      const { result, sent } = await watched(() => add(client, files, ['by urql']))
      assert.deepEqual(sent.map(brief), ['POST files 200'])
      const [added, refused] = result
      assert.ok(added?.__typename === 'AddedAsset' && refused?.__typename === 'InputError')
      assert.deepEqual(
        [added.duplicate, added.asset.name, added.asset.tags],
        [false, 'urql.png', ['by urql']],
      )
      assert.deepEqual([refused.index, refused.code], [1, 'UNSUPPORTED_FORMAT'])
      assert.equal((await library()).edges[0].node.id, added.asset.id, 'the list is asked for again')
      await remove(client, [added.asset.id])
      assert.deepEqual(names(await library()), names(before), 'the image has left the list')

      const bare = createClient({ url: limn.graphql, preferGetMethod: false, exchanges: [fetchExchange] })
      await assert.rejects(add(bare, files), codeIs('FORBIDDEN'))
    },

    async subscriptions(limn) {
      const client = await open(limn)
      const { draw } = await page()
      const NOW = gql`query ($id: ID!) { drawing(id: $id) { id status step svg } }`
      const seen: number[] = []
      let watching: { unsubscribe(): void } | undefined
      const { result, sent } = await watched(() =>
        draw(client, smallDrawing, ({ id }) => {
          watching ??= client.query<any>(NOW, { id }).subscribe(({ data }) => seen.push(data.drawing.step))
        }),
      )
      watching?.unsubscribe()
      assert.deepEqual([result.status, result.step, result.error], ['DONE', smallDrawing.steps, null])
      assert.match(result.svg!, /^<svg /)
      assert.equal(seen.at(-1), smallDrawing.steps, 'a query in the cache moves on with the frames')
      assert.ok(
        seen.length >= 2 &&
          sent.filter(({ body }) => /drawing\(id/.test(body.query) && /^query/.test(body.query)).length <= 1,
      )
    },

    async 'persisted documents'(limn) {
      const document = gql`query UrqlPersisted($id: ID!) { asset(id: $id) { id name } }`
      const asked = (client: Urql, name: string) =>
        watched(() => query(client, document, { id: limn.ids.get(name) }))
      const client = await open(limn)
      const first = await asked(client, 'cake.webp')
      assert.deepEqual(first.sent.map(brief), ['POST hash 400', 'POST document 200'])
      const second = await asked(client, 'gift.webp')
      assert.deepEqual(second.sent.map(brief), ['POST hash 200'])
      assert.deepEqual(
        [first, second].map(({ result }) => result.data.asset.name),
        ['cake.webp', 'gift.webp'],
      )

      const getting = createClient({
        url: limn.graphql,
        preferGetMethod: false,
        exchanges: [persistedExchange({ preferGetForPersistedQueries: 'force' }), fetchExchange],
      })
      const other = gql`query UrqlPersistedByGet($id: ID!) { asset(id: $id) { name } }`
      const fresh = await watched(() => query(getting, other, { id: limn.ids.get('crown.webp') }))
      assert.deepEqual(fresh.sent.map(brief), ['GET hash 400', 'GET document 200'])
      const known = await watched(() => query(getting, other, { id: limn.ids.get('cake.webp') }))
      assert.deepEqual(known.sent.map(brief), ['GET hash 200'])
      assert.deepEqual(
        [fresh, known].map(({ result }) => result.data.asset.name),
        ['crown.webp', 'cake.webp'],
      )
    },

    async 'partial errors'(limn) {
      const client = await open(limn)
      const { createLimn, draw, search } = await page()
      const { data, error } = await query(
        client,
        gql`
          query Partial($model: ID) {
            models { id isDefault }
            search(prompt: "x", model: $model) { edges { node { id } } }
            direction(from: { text: "cold" }, to: { text: "warm" }) { strength }
          }
        `,
        { model: 'nowhere' },
      )
      assert.deepEqual(data.models, [{ id: 'limn-icons', isDefault: true }])
      assert.ok(data.direction.strength > 0)
      assert.equal(data.search, null)
      assert.ok(codeIs('MODEL_NOT_FOUND')(error))
      assert.deepEqual(
        error!.graphQLErrors.map(({ path }) => path),
        [['search']],
      )

      await assert.rejects(draw(client, { ...smallDrawing, steps: 0 }), /steps/)
      const stranger = createLimn(limn.graphql, 'not the key')
      await assert.rejects(search(stranger, { prompt: 'x', first: 1 }), codeIs('UNAUTHENTICATED'))
    },

    'the page': (limn) => pageWorks(limn, process.execPath, ['urql/main.ts']),
  },
} satisfies Client

const codeIs = (code: string) => (error: unknown) =>
  error instanceof CombinedError && error.graphQLErrors.some(({ extensions }) => extensions.code === code)
