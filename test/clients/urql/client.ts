import { type Client, createClient, fetchExchange } from '@urql/core'
import { type Cache, cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import { persistedExchange } from '@urql/exchange-persisted'
import schema from './schema.json' with { type: 'json' }

export function createLimn(url = 'http://127.0.0.1:4000/graphql', key?: string): Client {
  return createClient({
    url,
    preferGetMethod: false,
    // urql itself reads subscriptions, over server-sent events.
    fetchSubscriptions: true,
    // Without x-limn-client the server refuses uploads: any web page can send a form, but not this header.
    fetchOptions: { headers: { 'x-limn-client': 'my-app', ...(key && { 'x-api-key': key }) } },
    exchanges: [normalisedCache(), persistedExchange({ preferGetForPersistedQueries: false }), fetchExchange],
  })
}

/** Types without an id: they stay inside the object that they came with. */
const embedded = (schema.__schema.types as readonly TypeInSchema[])
  .filter(({ kind, fields }) => kind === 'OBJECT' && !fields?.some(({ name }) => name === 'id'))
  .map(({ name }) => name)

interface TypeInSchema {
  kind: string
  name: string
  fields?: readonly { name: string }[]
}

const normalisedCache = () =>
  cacheExchange({
    schema,
    keys: Object.fromEntries(embedded.map((type) => [type, () => null])),
    // Puts the pages of a list one behind the other.
    resolvers: {
      Query: { assets: relayPagination(), drawings: relayPagination(), search: relayPagination() },
      Asset: { similar: relayPagination() },
    },
    updates: {
      Mutation: {
        addAssets: (_result, _args, cache) => forget(cache, 'assets'),
        deleteAssets(result, _args, cache) {
          const { deletedIds } = result.deleteAssets as { deletedIds: string[] }
          for (const id of deletedIds) cache.invalidate({ __typename: 'Asset', id })
        },
      },
    },
  })

/** All lists of a root field are asked for again. */
function forget(cache: Cache, field: string): void {
  for (const { fieldName, fieldKey } of cache.inspectFields('Query'))
    if (fieldName === field) cache.invalidate('Query', fieldKey)
}
