/** The server that all checks share, and what is in its library. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { serverKey } from '../../../api/access/keys.ts'
import { testPlace } from '../../support/database.ts'
import { testImage } from '../../support/images.ts'
import { LimnProcesses } from '../../support/processes.ts'

export interface Limn {
  /** Without a path. */
  url: string
  /** Address of GraphQL. */
  graphql: string
  key: string
  /** Ids of the samples by their names. */
  ids: ReadonlyMap<string, string>
}

/** In the order in which they match "birthday party", with their scores: by words and meaning, then by meaning alone. */
export const party = [
  ['party-popper.webp', 0.984],
  ['partying-face.webp', 0.8449],
  ['cake.webp', 0.4756],
  ['gift.webp', 0.412],
  ['confetti.webp', 0.405],
  ['crown.webp', 0.3704],
  ['shortcake.webp', 0.3517],
  ['ice-cream.webp', 0.3459],
  ['strawberry.webp', 0.3337],
  ['badminton.webp', 0.3306],
] as const

/** How rare a word is depends on the library, which the checks add to. */
export const nearly = (score: number, expected: number) => Math.abs(score - expected) < 0.05

/** Match it less. */
const others = ['guitar.webp', 'dog-face.webp', 'red-heart.webp']

/** Names of all samples, in the order in which they are added. */
export const samples: readonly string[] = [...party.map(([name]) => name), ...others]

/** What the checks upload has another type, so that this filter means the samples, whatever ran before. */
export const samplesOnly = { mimeTypes: ['image/webp'] }

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Runs work with a server, a process of its own that ends with it. */
export async function withLimn<T>(work: (limn: Limn) => Promise<T>): Promise<T> {
  const place = await testPlace()
  const processes = new LimnProcesses(place.home, place.url)
  try {
    const { url, child, ended } = await processes.startServer()
    const limn = { url, graphql: `${url}/graphql`, key: serverKey({ home: place.home }) }
    const result = await work({ ...limn, ids: await addSamples(limn.graphql) })
    child.kill('SIGTERM')
    await ended
    return result
  } finally {
    processes.killAll()
    await place.remove()
  }
}

/** A question by plain fetch, for what a check wants to know beside its client. */
export async function ask(graphql: string, query: string, variables: object = {}): Promise<any> {
  const response = await fetch(graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as any
  if (errors) throw new Error(errors[0].message)
  return data
}

async function addSamples(graphql: string): Promise<Map<string, string>> {
  const folder = path.resolve('workers/ingest/samples')
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as any[]
  const assets = samples.map((name) => {
    const { file, tags, title } = manifest.find((one) => one.name === name)
    return { name, title, tags, image: { base64: readFileSync(path.join(folder, file), 'base64') } }
  })
  const { addAssets } = await ask(
    graphql,
    'mutation ($input: AddAssetsInput!) { addAssets(input: $input) { results { ... on AddedAsset { asset { id name } } } } }',
    { input: { assets } },
  )
  for (;;) {
    const { nodes } = (await ask(graphql, '{ assets(first: 100) { nodes { indexStatus } } }')).assets
    if (nodes.every((node: any) => node.indexStatus === 'READY')) break
    await sleep(50)
  }
  return new Map(addAssets.results.map(({ asset }: any) => [asset.name, asset.id]))
}

let made = 0

/** A PNG that no check has added before, as a browser would hand it over. */
export async function newImage(name: string): Promise<File> {
  const bytes = await testImage({ disc: `hsl(${made * 37} 90% 45%)`, size: 48 + made++ })
  return new File([new Uint8Array(bytes)], name, { type: 'image/png' })
}

/** Drawn within a second, in several steps. */
export const smallDrawing = {
  prompt: 'red heart',
  generator: 'SHAPES',
  elements: 4,
  steps: 6,
  width: 64,
  height: 64,
} as const

/** A program as a process, in a folder below test/clients; @returns what it prints. */
export async function node(limn: Limn, folder: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: path.resolve('test/clients', folder),
    env: { ...process.env, LIMN_URL: limn.graphql, LIMN_KEY: limn.key },
  })
  return stdout
}
