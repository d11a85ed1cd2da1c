/** What `usePaginationFragment` does with a list inside an image, without React: on no page, for checks/relay.ts. */
import { type Environment, fetchQuery, getFragment, getPaginationMetadata, graphql } from 'relay-runtime'
import { observeFragment } from 'relay-runtime/experimental.js'
import type { similar_asset$data, similar_asset$key } from './__generated__/similar_asset.graphql.ts'
import type { similarQuery } from './__generated__/similarQuery.graphql.ts'

const ASSET = graphql`
  fragment similar_asset on Asset
  @refetchable(queryName: "similarPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 4 }, cursor: { type: "String" }) {
    name
    similar(first: $count, after: $cursor) @connection(key: "similar_similar") {
      edges { node { id name } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

const FIRST = graphql`
  query similarQuery($id: ID!) { asset(id: $id) { ...similar_asset } }
`

/** @returns the fragment's data as a component would get it, after each page */
export async function similarPages(
  limn: Environment,
  id: string,
  pages: number,
): Promise<similar_asset$data[]> {
  const answer = await fetchQuery<similarQuery>(limn, FIRST, { id }).toPromise()
  const seen: similar_asset$data[] = []
  const observed = observeFragment(limn, ASSET, answer!.asset as similar_asset$key).subscribe({
    next: (state) => void (state.state === 'ok' && seen.push(state.value)),
  })
  const { paginationRequest } = getPaginationMetadata(getFragment(ASSET), 'similarPages')
  while (seen.length < pages) {
    const cursor = seen.at(-1)!.similar!.pageInfo.endCursor
    // `id` is that of the image: the server finds it by node(id:).
    await fetchQuery(limn, paginationRequest, { id, count: 4, cursor }).toPromise()
  }
  observed.unsubscribe()
  return seen
}
