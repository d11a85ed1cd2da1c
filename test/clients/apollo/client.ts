import { ApolloClient, ApolloLink, type FieldPolicy, InMemoryCache, Observable } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { relayStylePagination } from '@apollo/client/utilities'
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs'
import { OperationTypeNode, print } from 'graphql'
import { createClient } from 'graphql-sse'

export function createLimn(url = 'http://127.0.0.1:4000/graphql', key?: string): ApolloClient {
  // Without x-limn-client the server refuses uploads: any web page can send a form, but not this header.
  const headers = { 'x-limn-client': 'my-app', ...(key && { 'x-api-key': key }) }
  const http = new UploadHttpLink({ uri: url, headers })
  // Queries alone: a mutation whose document the server does not know yet would send its files twice.
  const queries = new PersistedQueryLink({ sha256 }).concat(http)
  const others = ApolloLink.split(isA(OperationTypeNode.SUBSCRIPTION), events(url, headers), http)
  return new ApolloClient({
    link: ApolloLink.split(isA(OperationTypeNode.QUERY), queries, others),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        Query: { fields: { assets: pages(), drawings: pages(), search: pages() } },
        Asset: { fields: { similar: pages() } },
      },
    }),
  })
}

/** The interface and the unions of the schema. */
const possibleTypes = {
  Node: ['Asset', 'Drawing', 'Model'],
  EmbedResult: ['Embedding', 'InputError'],
  AddAssetResult: ['AddedAsset', 'InputError'],
  UpdateAssetResult: ['UpdatedAsset', 'InputError'],
}

/** Puts the `edges` (not the `nodes`) of a list's pages one behind the other. */
function pages(): FieldPolicy {
  const policy = relayStylePagination(listArguments)
  const { merge } = policy
  return {
    ...policy,
    // The policy alone would make an empty list of one that failed.
    merge: (existing, incoming, options) =>
      incoming === null || typeof merge !== 'function'
        ? (existing ?? null)
        : merge(existing, incoming, options),
  }
}

/** Every argument tells lists apart, but for those that choose a page. */
const listArguments = (args: Record<string, unknown> | null) =>
  Object.keys(args ?? {})
    .filter((name) => !['first', 'after', 'last', 'before'].includes(name))
    .sort()

const isA = (type: OperationTypeNode) => (operation: ApolloLink.Operation) => operation.operationType === type

/** Subscriptions over server-sent events. */
function events(url: string, headers: Record<string, string>): ApolloLink {
  const client = createClient({ url, headers })
  return new ApolloLink(
    ({ query, variables, operationName }) =>
      new Observable((sink) =>
        client.subscribe<Record<string, unknown>>(
          { query: print(query), variables, operationName },
          {
            next: (result) => sink.next(result as ApolloLink.Result),
            error: (error) => sink.error(error),
            complete: () => sink.complete(),
          },
        ),
      ),
  )
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
