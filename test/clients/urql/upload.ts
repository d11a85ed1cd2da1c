import { type Client, gql, type TypedDocumentNode } from '@urql/core'

export type Added =
  | { __typename: 'AddedAsset'; duplicate: boolean; asset: { id: string; name: string; tags: string[] } }
  | { __typename: 'InputError'; index: number; code: string; message: string }

interface AddData {
  addAssets: { results: (Added | null)[]; userErrors: { field: string[] | null; message: string }[] }
}

interface AddInput {
  assets: { image: { upload: File }; name?: string; tags?: string[] }[]
}

const ADD: TypedDocumentNode<AddData, { input: AddInput }> = gql`
  mutation Add($input: AddAssetsInput!) {
    addAssets(input: $input) {
      results {
        __typename
        ... on AddedAsset { duplicate asset { id name tags } }
        ... on InputError { index code message }
      }
      userErrors { field message }
    }
  }
`

/** Files of an <input type="file">, or `new File([bytes], name)`. One that cannot be read is an InputError in its place. */
export async function add(
  limn: Client,
  files: readonly File[],
  tags: string[] = [],
): Promise<(Added | null)[]> {
  const assets = files.map((file) => ({ image: { upload: file }, name: file.name, tags }))
  const { data, error } = await limn.mutation(ADD, { input: { assets } }).toPromise()
  if (!data?.addAssets) throw error ?? new Error('The server has sent nothing.')
  const { results, userErrors } = data.addAssets
  if (userErrors.length > 0) throw new Error(userErrors.map(({ message }) => message).join(' '))
  return results
}

const DELETE: TypedDocumentNode<{ deleteAssets: { deletedIds: string[] } }, { ids: string[] }> = gql`
  mutation Delete($ids: [ID!]!) {
    deleteAssets(input: { ids: $ids }) { deletedIds userErrors { field message } }
  }
`

/** Takes images out of the library. The cache forgets them, and asks again for the lists that they were in. */
export async function remove(limn: Client, ids: string[]): Promise<void> {
  const { error } = await limn.mutation(DELETE, { ids }).toPromise()
  if (error) throw error
}
