import assert from 'node:assert/strict'
import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs'
import { createLimn } from '../apollo/client.ts'
import { type Drawing, draw } from '../apollo/draw.ts'
import { SEARCH, search } from '../apollo/search.ts'
import { add, remove } from '../apollo/upload.ts'
import type { Client } from './check.ts'
import { isScore, type Limn, newImage, party, samples, samplesOnly, sha256, smallDrawing } from './limn.ts'
import { pageWorks } from './page.ts'
import { brief, watched } from './traffic.ts'

const open = ({ graphql, key }: Limn) => createLimn(graphql, key)
const names = (list: { edges: readonly { node: { name: string } }[] }) =>
  list.edges.map(({ node }) => node.name)

const LIBRARY = gql`
  query Library($where: AssetWhere, $first: Int!, $after: String) {
    assets(where: $where, first: $first, after: $after) {
      totalCount
      edges { node { id name tags } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

export default {
  checks: {
    async queries(limn) {
      const client = open(limn)
      const found = await search(client, { prompt: 'birthday party', first: 3 })
      assert.deepEqual(names(found), party.slice(0, 3))
      for (const { score, node } of found.edges) assert.ok(isScore(limn, node.name, score))

      const id = limn.ids.get('cake.webp')!
      const { data, error } = await client.query<any>({
        query: gql`
          query ($id: ID!) {
            node(id: $id) { id ... on Asset { name tags } }
            embed(inputs: [{ text: "hot coffee" }, { base64: "AA==" }]) {
              ... on Embedding { dimensions modality }
              ... on InputError { index code }
            }
          }
        `,
        variables: { id },
        errorPolicy: 'all',
      })
      assert.equal(error, undefined)
      assert.deepEqual(data.node, { __typename: 'Asset', id, name: 'cake.webp', tags: ['cake', 'icon'] })
      assert.deepEqual(data.embed, [
        { __typename: 'Embedding', dimensions: 256, modality: 'TEXT' },
        { __typename: 'InputError', index: 1, code: 'UNSUPPORTED_FORMAT' },
      ])
      // A fragment on an interface is read from the cache, by the possible types.
      const fragment = gql`fragment Named on Node { id ... on Asset { name } }`
      assert.equal(client.readFragment<any>({ id: `Asset:${id}`, fragment }).name, 'cake.webp')
    },

    async 'cache and pages'(limn) {
      const client = open(limn)
      const variables = { prompt: 'birthday party', first: 3 }
      const { pageInfo } = await search(client, variables)
      const again = await watched(() => search(client, variables))
      assert.equal(again.sent.length, 0, 'what the cache has is not asked for again')
      const both = await watched(() => search(client, { ...variables, after: pageInfo.endCursor }))
      assert.equal(both.sent.length, 1)
      assert.deepEqual(names(both.result), party.slice(0, 6))
      const other = await search(client, { prompt: 'guitar', first: 1 })
      assert.deepEqual(names(other), ['guitar.webp'])
      assert.equal(client.readQuery({ query: SEARCH, variables })!.search!.edges.length, 6)

      // As React's useQuery does it.
      const list = client.watchQuery<any>({ query: LIBRARY, variables: { where: samplesOnly, first: 5 } })
      const lengths: number[] = []
      const subscription = list.subscribe(
        ({ loading, data }) => loading || lengths.push(data.assets.edges.length),
      )
      await until(() => lengths.length === 1)
      while (list.getCurrentResult().data.assets.pageInfo.hasNextPage) {
        const { endCursor } = list.getCurrentResult().data.assets.pageInfo
        const before = lengths.length
        await list.fetchMore({ variables: { after: endCursor } })
        await until(() => lengths.length > before)
      }
      subscription.unsubscribe()
      assert.deepEqual(lengths, [5, 10, 13])
      const { assets } = list.getCurrentResult().data
      assert.deepEqual(names(assets), samples.toReversed())
      assert.equal(assets.totalCount, samples.length)
    },

    async uploads(limn) {
      const client = open(limn)
      const library = () => client.query<any>({ query: LIBRARY, variables: { first: 2 } })
      const before = await library()
      const files = [await newImage('apollo.png'), new File(['no image'], 'notes.txt')]
      const { result, sent } = await watched(() => add(client, files, ['by Apollo']))
      assert.deepEqual(sent.map(brief), ['POST files 200'])
      const [added, refused] = result
      assert.ok(added?.__typename === 'AddedAsset' && refused?.__typename === 'InputError')
      assert.deepEqual(
        [added.duplicate, added.asset.name, added.asset.tags],
        [false, 'apollo.png', ['by Apollo']],
      )
      assert.deepEqual([refused.index, refused.code], [1, 'UNSUPPORTED_FORMAT'])
      assert.equal(
        (await library()).data.assets.edges[0].node.id,
        added.asset.id,
        'the list is asked for again',
      )

      const kept = await watched(async () => {
        await remove(client, [added.asset.id])
        return client.readQuery<any>({ query: LIBRARY, variables: { first: 2 } })
      })
      assert.equal(kept.sent.length, 1)
      assert.deepEqual(
        names(kept.result.assets),
        names(before.data.assets).slice(0, 1),
        'the image has left the list in the cache',
      )

      const losses = await Promise.all(
        [await newImage('a.png'), await newImage('b.png')].map(async (upload) => {
          const query = gql`query ($image: ImageInput!) { guide(image: $image, prompt: "red circle") { loss } }`
          const variables = { image: { upload } }
          const context = { queryDeduplication: false }
          const { data } = await client.query<any>({ query, variables, fetchPolicy: 'no-cache', context })
          return data.guide.loss
        }),
      )
      assert.ok(losses.every((loss) => loss > 0) && losses[0] !== losses[1])

      const bare = new ApolloClient({
        link: new UploadHttpLink({ uri: limn.graphql }),
        cache: new InMemoryCache(),
      })
      await assert.rejects(add(bare, files), codeIs('FORBIDDEN'))
    },

    async subscriptions(limn) {
      const client = open(limn)
      const fragment = gql`fragment Now on Drawing { status step }`
      const shown: Drawing[] = []
      const stored: unknown[] = []
      const last = await draw(client, smallDrawing, (drawing) => {
        shown.push(drawing)
        stored.push(client.readFragment<any>({ id: `Drawing:${drawing.id}`, fragment })?.step)
      })
      assert.deepEqual([last.status, last.step, last.error], ['DONE', smallDrawing.steps, null])
      assert.match(last.svg!, /^<svg /)
      assert.ok(shown.length >= 2, 'there are steps before the last')
      assert.deepEqual(
        stored,
        shown.map(({ step }) => step),
        'the cache moves on with every frame',
      )
      const QUERY = gql`query ($id: ID!) { node(id: $id) { id ... on Drawing { status step svg } } }`
      const { data } = await client.query<any>({ query: QUERY, variables: { id: last.id } })
      assert.equal(data.node.svg, last.svg)
    },

    async 'persisted documents'(limn) {
      const query = gql`query ApolloPersisted($id: ID!) { asset(id: $id) { id name } }`
      const ask = (client: ApolloClient, name: string) =>
        watched(() => client.query<any>({ query, variables: { id: limn.ids.get(name) } }))
      const client = open(limn)
      const first = await ask(client, 'cake.webp')
      assert.deepEqual(first.sent.map(brief), ['POST hash 400', 'POST document 200'])
      const second = await ask(client, 'gift.webp')
      assert.deepEqual(second.sent.map(brief), ['POST hash 200'])
      assert.deepEqual(
        [first, second].map(({ result }) => result.data.asset.name),
        ['cake.webp', 'gift.webp'],
      )

      const headers = { 'x-api-key': limn.key }
      const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: true })
      const getting = new ApolloClient({
        link: link.concat(new UploadHttpLink({ uri: limn.graphql, headers })),
        cache: new InMemoryCache(),
      })
      const third = await ask(getting, 'crown.webp')
      assert.deepEqual(third.sent.map(brief), ['GET hash 200'])
      assert.equal(third.result.data.asset.name, 'crown.webp')
    },

    async 'partial errors'(limn) {
      const client = open(limn)
      const { data, error } = await client.query<any>({
        query: gql`
          query Partial($model: ID) {
            models { id isDefault }
            search(prompt: "x", model: $model) { edges { node { id } } pageInfo { endCursor hasNextPage } }
            direction(from: { text: "cold" }, to: { text: "warm" }) { strength }
          }
        `,
        variables: { model: 'nowhere' },
        errorPolicy: 'all',
      })
      assert.deepEqual(data.models, [{ __typename: 'Model', id: 'limn-icons', isDefault: true }])
      assert.ok(data.direction.strength > 0)
      assert.equal(data.search, null)
      assert.ok(codeIs('MODEL_NOT_FOUND')(error))
      assert.deepEqual(
        (error as CombinedGraphQLErrors).errors.map(({ path }) => path),
        [['search']],
      )

      const input = { ...smallDrawing, steps: 0 }
      await assert.rejects(draw(client, input), /steps/)
      const stranger = createLimn(limn.graphql, 'not the key')
      await assert.rejects(search(stranger, { prompt: 'x', first: 1 }), codeIs('UNAUTHENTICATED'))
    },

    'the page': (limn) => pageWorks(limn, process.execPath, ['apollo/main.ts']),
  },
} satisfies Client

const codeIs = (code: string) => (error: unknown) =>
  CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.code === code)

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
