import {
  ConnectionHandler,
  type Environment,
  type FetchQueryFetchPolicy,
  fetchQuery,
  graphql,
} from 'relay-runtime'
import type { libraryQuery } from './__generated__/libraryQuery.graphql.ts'

export const LIBRARY = graphql`
  query libraryQuery($where: AssetWhere, $first: Int!, $after: String) {
    assets(where: $where, first: $first, after: $after) @connection(key: "library_assets") {
      totalCount
      edges { node { id name tags } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

/** The newest images of the library, page after page as with `search`. */
export async function library(
  limn: Environment,
  variables: libraryQuery['variables'],
  fetchPolicy: FetchQueryFetchPolicy = 'network-only',
) {
  const answer = await fetchQuery<libraryQuery>(limn, LIBRARY, variables, { fetchPolicy }).toPromise()
  if (!answer?.assets) throw new Error('The library cannot be read now.')
  return answer.assets
}

/** Names the list of all images in the store, for mutations that change it. */
export const libraryId = (where?: libraryQuery['variables']['where']) =>
  ConnectionHandler.getConnectionID('client:root', 'library_assets', { where })
