import path from 'node:path'
import { joinCollections } from '../../../workers/ingest/labels/collections.ts'
import { joinTags, labelLimits, lastCharacters } from '../../../workers/ingest/labels/texts.ts'
import { type Client, RequestRefused } from '../shared/client.ts'
import { readImageFile } from './read-file.ts'
import type { ImageFile } from './walk.ts'

export interface FolderLabels {
  /** The one above those of the folders. */
  collection?: string | undefined
  tags: readonly string[]
}

/** What became of one file. */
export type Outcome =
  | { file: ImageFile; id: string; duplicate: boolean; changed: boolean; pending: boolean }
  | { file: ImageFile; failed: string }

const addAssets = `mutation ($input: AddAssetsInput!) {
  addAssets(input: $input) {
    results {
      ... on AddedAsset { duplicate changed asset { id indexStatus } }
      ... on InputError { message }
    }
    userErrors { message }
  }
}`

type Added =
  | { duplicate: boolean; changed: string[]; asset: { id: string; indexStatus: string } }
  | { message: string }

interface Payload {
  results: (Added | null)[]
  userErrors: { message: string }[]
}

interface ReadFile {
  file: ImageFile
  bytes: Buffer<ArrayBuffer>
}

/** Sends the images in one request. An image that cannot be used fails alone. @throws ServerUnreachable */
export async function upload(
  client: Client,
  files: readonly ImageFile[],
  labels: FolderLabels,
  maxBytes: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const read: ReadFile[] = []
  for (const file of files) {
    const result = await readImageFile(file, maxBytes)
    if ('failed' in result) outcomes.push({ file, failed: result.failed })
    else read.push({ file, bytes: result.bytes })
  }
  if (read.length > 0) outcomes.push(...(await send(client, read, labels)))
  return outcomes
}

async function send(client: Client, read: readonly ReadFile[], labels: FolderLabels): Promise<Outcome[]> {
  const uploads = Object.fromEntries(
    read.map(({ bytes }, n) => [`input.assets.${n}.image.upload`, new Blob([bytes])] as const),
  )
  const assets = read.map(({ file }) => ({ ...described(file, labels), image: { upload: null } }))
  try {
    const answer = await client.send<{ addAssets: Payload }>(addAssets, { input: { assets } }, uploads)
    const { results, userErrors } = answer.addAssets
    if (userErrors[0]) throw new RequestRefused('BAD_USER_INPUT', userErrors[0].message)
    return read.map(({ file }, n) => {
      const one = results[n]
      if (!one) return { file, failed: 'The server failed with it.' }
      if ('message' in one) return { file, failed: one.message }
      const { duplicate, changed, asset } = one
      return {
        file,
        id: asset.id,
        duplicate,
        changed: changed.length > 0,
        pending: asset.indexStatus === 'PENDING',
      }
    })
  } catch (error) {
    if (!(error instanceof RequestRefused) || turnsAllAway.has(error.code)) throw error
    const [first, ...others] = read
    if (others.length === 0) return [{ file: first!.file, failed: error.message }]
    // Told apart one by one: which of them it was, the request as a whole does not say.
    const outcomes: Outcome[] = []
    for (const one of read) outcomes.push(...(await send(client, [one], labels)))
    return outcomes
  }
}

/** What the next request would be told too. */
const turnsAllAway = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'HTTP'])

/** The folders on the way to a file say what it shows, and where people look for it. */
function described({ relative }: ImageFile, { collection, tags }: FolderLabels) {
  const folders = path.posix
    .dirname(relative)
    .split('/')
    .filter((name) => name !== '.')
  return {
    name: lastCharacters(path.posix.basename(relative), labelLimits.name),
    tags: joinTags(tags, folders),
    collections: joinCollections([[collection ?? '', ...folders].join('/')]),
  }
}

/** Requests of a handful of images and no more than some megabytes. */
export function* batches(
  files: readonly ImageFile[],
  most = 16,
  mostBytes = 12 * 2 ** 20,
): Generator<ImageFile[]> {
  let batch: ImageFile[] = []
  let bytes = 0
  for (const file of files) {
    if (batch.length > 0 && (batch.length === most || bytes + file.size > mostBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += file.size
  }
  if (batch.length > 0) yield batch
}
