import { type ApolloClient, gql, type TypedDocumentNode } from '@apollo/client'

export interface SearchData {
  search: {
    edges: { score: number; node: { id: string; name: string; thumbnail: string } }[]
    pageInfo: { endCursor: string | null; hasNextPage: boolean }
  } | null
}

export interface SearchVariables {
  prompt: string
  first: number
  after?: string | null
}

export const SEARCH: TypedDocumentNode<SearchData, SearchVariables> = gql`
  query Search($prompt: String!, $first: Int!, $after: String) {
    search(prompt: $prompt, first: $first, after: $after) {
      edges { score node { id name thumbnail } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

/**
 * The first page, or with `after` the next one. The cache puts it behind those that came before, so the answer holds all
 * results so far. In React: `useQuery(SEARCH, { variables })` and its `fetchMore({ variables: { after } })`.
 */
export async function search(limn: ApolloClient, variables: SearchVariables) {
  const { data, error } = await limn.query({
    query: SEARCH,
    variables,
    // A field that failed is null, `error` says why, and the other fields stand.
    errorPolicy: 'all',
    fetchPolicy: variables.after ? 'network-only' : 'cache-first',
  })
  if (!data?.search) throw error ?? new Error('The server has sent nothing.')
  return data.search
}
