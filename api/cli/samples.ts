import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readSamples, type Sample, samplesFolder } from '../../workers/ingest/samples/read.ts'
import { limits } from '../../workers/limits.ts'
import { type Client, RequestRefused } from './shared/client.ts'
import { complain, say, withUsageErrors } from './shared/usage.ts'
import { printJson, serverOptions, serverUsage, withServer } from './shared/with-server.ts'

const usage = `limn samples add | remove [--json]

remove  deletes the sample images that a new library begins with. One whose labels were changed is yours: it is kept
        and named.
add     adds those that are not there. What is there stays as it is.

  --json                   print the result as JSON
${serverUsage}
`

/** Images that one request adds or deletes. */
const addsAtOnce = 16
const deletesAtOnce = 100

export const samplesCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, ...serverOptions },
  })
  if (values.help) return say(usage, 0)
  const [action, ...more] = positionals
  if (more.length > 0 || (action !== 'add' && action !== 'remove')) return complain(usage, 2)
  const work = action === 'add' ? addSamples : removeSamples
  return withServer(values, (client) => work(client, values.json === true))
})

interface KnownSample extends Sample {
  bytes: Buffer<ArrayBuffer>
  contentHash: string
}

const allSamples = async (): Promise<KnownSample[]> =>
  Promise.all(
    (await readSamples()).map(async (sample) => {
      const bytes = await readFile(path.join(samplesFolder, sample.file))
      return { ...sample, bytes, contentHash: createHash('sha256').update(bytes).digest('hex') }
    }),
  )

interface StoredSample {
  id: string
  contentHash: string
  name: string
  title: string | null
  description: string | null
  tags: string[]
  collections: string[]
  takenAt: string | null
}

const assetsByHash = `query ($hashes: [String!], $after: String) {
  assets(where: { contentHashes: $hashes }, first: ${limits.pageSize}, after: $after) {
    nodes { id contentHash name title description tags collections takenAt }
    pageInfo { endCursor hasNextPage }
  }
}`

async function stored(client: Client, samples: readonly KnownSample[]): Promise<StoredSample[]> {
  const found: StoredSample[] = []
  for (let from = 0; from < samples.length; from += limits.ids) {
    const hashes = samples.slice(from, from + limits.ids).map(({ contentHash }) => contentHash)
    for (let after: string | null = null, more = true; more; ) {
      const answer: {
        assets: { nodes: StoredSample[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } }
      } = await client.send(assetsByHash, { hashes, after })
      found.push(...answer.assets.nodes)
      after = answer.assets.pageInfo.endCursor
      more = answer.assets.pageInfo.hasNextPage
    }
  }
  return found
}

/** Nobody has given it other labels since it was added. */
const isUntouched = (asset: StoredSample, { name, title, tags, collections }: Sample) =>
  asset.name === name &&
  asset.title === title &&
  asset.description === null &&
  asset.takenAt === null &&
  JSON.stringify([asset.tags, asset.collections]) === JSON.stringify([tags, collections])

async function removeSamples(client: Client, json: boolean): Promise<number> {
  const samples = new Map((await allSamples()).map((sample) => [sample.contentHash, sample]))
  const there = await stored(client, [...samples.values()])
  const [untouched, changed] = [[] as StoredSample[], [] as StoredSample[]]
  for (const asset of there)
    (isUntouched(asset, samples.get(asset.contentHash)!) ? untouched : changed).push(asset)
  const removed: string[] = []
  for (let from = 0; from < untouched.length; from += deletesAtOnce) {
    const ids = untouched.slice(from, from + deletesAtOnce).map(({ id }) => id)
    const { deleteAssets } = await client.send<{ deleteAssets: { deletedIds: string[] } }>(
      'mutation ($input: DeleteAssetsInput!) { deleteAssets(input: $input) { deletedIds } }',
      { input: { ids } },
    )
    removed.push(...deleteAssets.deletedIds)
  }
  const kept = changed.map(({ id, name }) => ({ id, name }))
  if (json) printJson({ removed, kept, absent: samples.size - there.length })
  else {
    console.log(`${removed.length} sample images removed, ${samples.size - there.length} were not there`)
    if (kept.length > 0) console.log(`${kept.length} kept, as their labels were changed:`)
    for (const { id, name } of kept) console.log(`  ${id} ${name}`)
  }
  return 0
}

const addAssets = `mutation ($input: AddAssetsInput!) {
  addAssets(input: $input) {
    results { ... on AddedAsset { duplicate asset { id } } ... on InputError { message } }
    userErrors { message }
  }
}`

interface Added {
  results: ({ duplicate: boolean; asset: { id: string } } | { message: string } | null)[]
  userErrors: { message: string }[]
}

async function addSamples(client: Client, json: boolean): Promise<number> {
  const samples = await allSamples()
  const there = new Set((await stored(client, samples)).map(({ contentHash }) => contentHash))
  const absent = samples.filter(({ contentHash }) => !there.has(contentHash))
  const added: string[] = []
  let failed = 0
  for (let from = 0; from < absent.length; from += addsAtOnce) {
    const some = absent.slice(from, from + addsAtOnce)
    const assets = some.map(({ name, title, tags, collections }) => ({
      ...{ name, title, tags, collections },
      image: { upload: null },
    }))
    const files = some.map(({ bytes }, n) => [`input.assets.${n}.image.upload`, new Blob([bytes])] as const)
    const answer = await client.send<{ addAssets: Added }>(
      addAssets,
      { input: { assets, onDuplicate: 'KEEP' } },
      Object.fromEntries(files),
    )
    const { results, userErrors } = answer.addAssets
    if (userErrors[0]) throw new RequestRefused('BAD_USER_INPUT', userErrors[0].message)
    for (const result of results) {
      if (result === null || 'message' in result) failed++
      else if (!result.duplicate) added.push(result.asset.id)
    }
  }
  if (json) printJson({ added, there: there.size, failed })
  else console.log(`${added.length} sample images added, ${there.size} were there already, ${failed} failed`)
  return failed > 0 ? 1 : 0
}
