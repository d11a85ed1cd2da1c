import { openAsBlob } from 'node:fs'
import path from 'node:path'
import { type Client, RequestRefused } from '../client.ts'
import type { ImageFile } from './walk.ts'

export interface Labels {
  collection?: string | undefined
  tags: readonly string[]
}

/** The result for one file. */
export type Outcome =
  | { file: ImageFile; id: string; duplicate: boolean; pending: boolean }
  | { file: ImageFile; failed: string }

const addAssets = `mutation ($input: AddAssetsInput!) {
  addAssets(input: $input) {
    results {
      ... on AddedAsset { duplicate asset { id indexStatus } }
      ... on InputError { message }
    }
    userErrors { message }
  }
}`

type Added = { duplicate: boolean; asset: { id: string; indexStatus: string } } | { message: string }

interface Payload {
  results: Added[]
  userErrors: { message: string }[]
}

/** Sends the images in one request. An image that cannot be used fails alone. @throws ServerUnreachable */
export async function upload(
  client: Client,
  files: readonly ImageFile[],
  labels: Labels,
): Promise<Outcome[]> {
  const blobs = await Promise.all(
    files.map(({ path }) => openAsBlob(path).catch((error: NodeJS.ErrnoException) => error)),
  )
  const outcomes: Outcome[] = []
  const sent: ImageFile[] = []
  const uploads: Record<string, Blob> = {}
  for (const [n, file] of files.entries()) {
    const blob = blobs[n]!
    if (blob instanceof Error) outcomes.push({ file, failed: `The file cannot be read (${blob.code}).` })
    else {
      uploads[`input.assets.${sent.length}.image.upload`] = blob
      sent.push(file)
    }
  }
  if (sent.length === 0) return outcomes
  try {
    const assets = sent.map((file) => ({ ...described(file, labels), image: { upload: null } }))
    const variables = { input: { assets } }
    const answer = await client.send<{ addAssets: Payload }>(addAssets, variables, uploads)
    const [wrong] = answer.addAssets.userErrors
    if (wrong) throw new RequestRefused('BAD_USER_INPUT', wrong.message)
    for (const [n, file] of sent.entries()) {
      const one = answer.addAssets.results[n]!
      if ('message' in one) outcomes.push({ file, failed: one.message })
      else {
        const { duplicate, asset } = one
        outcomes.push({ file, id: asset.id, duplicate, pending: asset.indexStatus === 'PENDING' })
      }
    }
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error
    if (refusesAll.has(error.code)) throw error
    // One by one: the refusal does not say which image it is about.
    if (sent.length > 1) for (const file of sent) outcomes.push(...(await upload(client, [file], labels)))
    else outcomes.push({ file: sent[0]!, failed: error.message })
  }
  return outcomes
}

/** Refusals that the next request would meet too. */
const refusesAll = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'HTTP'])

/** The folders on the way to a file say what it shows. */
function described({ relative }: ImageFile, { collection, tags }: Labels) {
  const folders = path.posix
    .dirname(relative)
    .split('/')
    .filter((name) => name !== '.')
  return {
    name: path.posix.basename(relative).slice(-255),
    tags: [...new Set([...tags, ...folders.map((name) => name.slice(0, 100))])].slice(0, 100),
    ...(collection === undefined ? {} : { collection }),
  }
}

/** Requests of a handful of images and no more than some megabytes. */
export function* batches(
  files: readonly ImageFile[],
  maxImages = 16,
  maxBytes = 12 * 2 ** 20,
): Generator<ImageFile[]> {
  let batch: ImageFile[] = []
  let bytes = 0
  for (const file of files) {
    if (batch.length > 0 && (batch.length === maxImages || bytes + file.size > maxBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += file.size
  }
  if (batch.length > 0) yield batch
}
