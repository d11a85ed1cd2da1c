import { type Environment, fetchQuery, graphql } from 'relay-runtime'
import type { searchQuery } from './__generated__/searchQuery.graphql.ts'

/**
 * The first page, or with `after` the next one. The store puts it behind those that came before, so the answer holds all
 * results so far. In React: the same @connection in a @refetchable fragment, and `usePaginationFragment`.
 */
export async function search(limn: Environment, variables: searchQuery['variables']) {
  const answer = await fetchQuery<searchQuery>(
    limn,
    graphql`
      query searchQuery($prompt: String!, $first: Int!, $after: String) {
        search(prompt: $prompt, first: $first, after: $after) @connection(key: "search_search") @catch {
          edges { score node { id name thumbnail } }
          pageInfo { endCursor hasNextPage }
        }
      }
    `,
    variables,
    { fetchPolicy: variables.after ? 'network-only' : 'store-or-network' },
  ).toPromise()
  // A field that failed is null, and the others stand; @catch says why.
  if (!answer?.search.ok || !answer.search.value)
    throw new Error('The search has failed.', { cause: answer?.search })
  return answer.search.value
}
