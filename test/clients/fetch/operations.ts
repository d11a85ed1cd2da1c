import type { Answer, Limn } from './limn.ts'

export interface Results {
  edges: { score: number; node: { id: string; name: string; thumbnail: string } }[]
  pageInfo: { endCursor: string | null; hasNextPage: boolean }
}

const SEARCH = /* GraphQL */ `
  query Search($prompt: String!, $first: Int!, $after: String) {
    search(prompt: $prompt, first: $first, after: $after) {
      edges { score node { id name thumbnail } }
      pageInfo { endCursor hasNextPage }
    }
  }
`

/** One page; the next one begins `after` the `endCursor` of this one. */
export async function search(
  limn: Limn,
  prompt: string,
  first = 10,
  after?: string | null,
): Promise<Results> {
  return whole(await limn.askPersisted(SEARCH, { prompt, first, after })).search
}

const ADD = /* GraphQL */ `
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

/** Files of an <input type="file">, or `new File([bytes], name)`. One that cannot be read has a `code` and a `message`. */
export async function add(limn: Limn, files: readonly File[], tags: string[] = []) {
  const assets = files.map(({ name }) => ({ image: { upload: null }, name, tags }))
  const places = Object.fromEntries(files.map((file, n) => [`input.assets.${n}.image.upload`, file]))
  const { results, userErrors } = whole(await limn.ask(ADD, { input: { assets } }, places)).addAssets
  if (userErrors.length > 0) throw new Error(userErrors[0].message)
  return results
}

const START = /* GraphQL */ `
  mutation Start($input: StartDrawingInput!) {
    startDrawing(input: $input) { drawing { id } userErrors { field message } }
  }
`

const FOLLOW = /* GraphQL */ `
  subscription Follow($id: ID!) {
    drawing(id: $id) { id status step steps svg error }
  }
`

/** The drawing at every few steps; its `status` is DONE at the last one. */
export async function* draw(limn: Limn, input: Record<string, unknown>) {
  const { drawing, userErrors } = whole(await limn.ask(START, { input })).startDrawing
  if (!drawing) throw new Error(userErrors[0].message)
  for await (const answer of limn.follow(FOLLOW, { id: drawing.id })) yield whole(answer).drawing
}

/** The data of an answer of which every part is needed. */
function whole({ data, errors }: Answer) {
  if (errors || !data) throw new Error(errors?.map(({ message }) => message).join(' '), { cause: errors })
  return data
}
