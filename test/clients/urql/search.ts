import { type Client, gql, type TypedDocumentNode } from '@urql/core'

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
 * results so far. In React: `useQuery({ query: SEARCH, variables })`, with `after` among the variables for more.
 */
export async function search(limn: Client, variables: SearchVariables) {
  const { data, error } = await limn.query(SEARCH, variables).toPromise()
  // A field that failed is null, and the others stand; `error.graphQLErrors` says why.
  if (!data?.search) throw error ?? new Error('The server has sent nothing.')
  return data.search
}
