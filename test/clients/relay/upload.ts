import { commitMutation, type Environment, graphql, type MutationParameters } from 'relay-runtime'
import type { uploadDeleteMutation } from './__generated__/uploadDeleteMutation.graphql.ts'
import type { uploadMutation } from './__generated__/uploadMutation.graphql.ts'

/**
 * Files of an <input type="file">, or `new File([bytes], name)`. One that cannot be read is an InputError in its place.
 * @param connections lists of the store that the new images are put in front of
 */
export async function add(
  limn: Environment,
  files: readonly File[],
  tags: string[] = [],
  connections: string[] = [],
) {
  const assets = files.map(({ name }) => ({ image: { upload: null }, name, tags }))
  const { addAssets } = await commit<uploadMutation>(limn, {
    mutation: graphql`
      mutation uploadMutation($input: AddAssetsInput!, $connections: [ID!]!) {
        addAssets(input: $input) {
          results {
            __typename
            ... on AddedAsset {
              duplicate
              asset @prependNode(connections: $connections, edgeTypeName: "AssetEdge") { id name tags }
            }
            ... on InputError { index code message }
          }
          userErrors { field message }
        }
      }
    `,
    variables: { input: { assets }, connections },
    uploadables: Object.fromEntries(
      files.map((file, n) => [`variables.input.assets.${n}.image.upload`, file]),
    ),
  })
  if (!addAssets) throw new Error('The server has sent nothing.')
  if (addAssets.userErrors.length > 0)
    throw new Error(addAssets.userErrors.map(({ message }) => message).join(' '))
  return addAssets.results
}

/** Takes images out of the library, and out of the lists of the store that are named. */
export async function remove(limn: Environment, ids: string[], connections: string[] = []): Promise<void> {
  await commit<uploadDeleteMutation>(limn, {
    mutation: graphql`
      mutation uploadDeleteMutation($ids: [ID!]!, $connections: [ID!]!) {
        deleteAssets(input: { ids: $ids }) {
          deletedIds @deleteEdge(connections: $connections) @deleteRecord
          userErrors { field message }
        }
      }
    `,
    variables: { ids, connections },
  })
}

/** A mutation as a promise. In React: `useMutation`. */
export function commit<T extends MutationParameters>(
  limn: Environment,
  config: Omit<Parameters<typeof commitMutation<T>>[1], 'onCompleted' | 'onError'>,
): Promise<T['response']> {
  return new Promise((resolve, reject) => {
    commitMutation<T>(limn, {
      ...config,
      onCompleted: (response, errors) =>
        errors?.length
          ? reject(new Error(errors.map(({ message }) => message).join(' ')))
          : resolve(response),
      onError: reject,
    })
  })
}
