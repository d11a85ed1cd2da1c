import { type ApolloClient, gql, type TypedDocumentNode } from '@apollo/client'

export type Added =
  | { __typename: 'AddedAsset'; duplicate: boolean; asset: { id: string; name: string; tags: string[] } }
  | { __typename: 'InputError'; index: number; code: string; message: string }

interface AddData {
  addAssets: { results: (Added | null)[]; userErrors: { field: string[] | null; message: string }[] } | null
}

interface AddInput {
  assets: { image: { upload: File }; name?: string; tags?: string[] }[]
}

const ADD: TypedDocumentNode<AddData, { input: AddInput }> = gql`
  mutation Add($input: AddAssetsInput!) {
    addAssets(input: $input) {
      results {
        ... on AddedAsset { duplicate asset { id name tags } }
        ... on InputError { index code message }
      }
      userErrors { field message }
    }
  }
`

/** Files of an <input type="file">, or `new File([bytes], name)`. One that cannot be read is an InputError in its place. */
export async function add(
  limn: ApolloClient,
  files: readonly File[],
  tags: string[] = [],
): Promise<(Added | null)[]> {
  const assets = files.map((file) => ({ image: { upload: file }, name: file.name, tags }))
  const { data } = await limn.mutate({
    mutation: ADD,
    variables: { input: { assets } },
    // The lists of the library have to be asked for again.
    update: (cache) => void cache.evict({ id: 'ROOT_QUERY', fieldName: 'assets' }),
  })
  const { results, userErrors } = data!.addAssets!
  if (userErrors.length > 0) throw new Error(userErrors.map(({ message }) => message).join(' '))
  return results
}

const DELETE: TypedDocumentNode<{ deleteAssets: { deletedIds: string[] } }, { ids: string[] }> = gql`
  mutation Delete($ids: [ID!]!) {
    deleteAssets(input: { ids: $ids }) { deletedIds userErrors { field message } }
  }
`

/** Takes images out of the library, and out of every list in the cache. */
export async function remove(limn: ApolloClient, ids: string[]): Promise<void> {
  await limn.mutate({
    mutation: DELETE,
    variables: { ids },
    update(cache, { data }) {
      for (const id of data!.deleteAssets.deletedIds) cache.evict({ id: `Asset:${id}` })
      cache.gc()
    },
  })
}
