import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../../prisma/open.ts'
import { openStores, type Stores } from '../../../prisma/stores.ts'
import type { AssetRow, Assets } from '../../../prisma/types.ts'
import type { LocalEncoder } from '../../../workers/encode/local-encoder.ts'
import { AbsentFiles } from '../../../workers/ingest/absent-files.ts'
import type { Enricher } from '../../../workers/ingest/enrich/enricher.ts'
import { EnricherTask } from '../../../workers/ingest/enrich/enricher-task.ts'
import { FolderStore } from '../../../workers/ingest/folder-store.ts'
import { Indexer } from '../../../workers/ingest/indexer.ts'
import { LocalLibrary } from '../../../workers/ingest/local-library.ts'
import { silent } from '../../../workers/log.ts'
import { openTestPool, testDatabase } from '../../support/database.ts'
import { testImages } from '../../support/images.ts'
import { testEncoder } from '../../support/library.ts'

/**
 * Servers with homes, encoders, stores and lease owners of their own on one database. They share a pool, because the
 * embedded database lets in one process; leases know servers by their owner alone.
 */
interface Server {
  home: string
  stores: Stores
  encoder: LocalEncoder
  /** Content hashes of the images that it encoded. */
  encoded: string[]
  library: LocalLibrary | null
  open(): Promise<LocalLibrary>
}

let database: Awaited<ReturnType<typeof openTestPool>>
let servers: [Server, Server]

beforeAll(async () => {
  database = await openTestPool()
  servers = [server('one'), server('another')]
})
afterEach(async () => {
  for (const one of servers) {
    await one.library?.close()
    one.encoded.length = 0
    rmSync(path.join(one.home, 'files'), { recursive: true, force: true })
  }
  await database.pool.query('DELETE FROM "Asset"')
  await database.pool.query('DELETE FROM "Lease"')
})
afterAll(async () => {
  for (const { encoder, stores, home } of servers) {
    await encoder.close()
    await stores.close()
    rmSync(home, { recursive: true, force: true })
  }
  await database.close()
})

function server(owner: string): Server {
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-server-'))
  const stores = openStores(database.pool, database.backend, owner)
  // Small pages, so that both have work at the same time.
  const encoder = testEncoder(home, { queueLimit: 16 })
  const encoded: string[] = []
  const encode = encoder.encode.bind(encoder)
  encoder.encode = async (inputs, options) => {
    const results = await encode(inputs, options)
    encoded.push(...inputs.flatMap((input) => ('image' in input ? [input.contentHash!] : [])))
    return results
  }
  const one: Server = {
    home,
    stores,
    encoder,
    encoded,
    library: null,
    async open() {
      one.library = await LocalLibrary.open({ database: stores, encoder, catalogue: encoder, home })
      return one.library
    },
  }
  return one
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const filesOf = (home: string) => new FolderStore(path.join(home, 'files'), home)

/** Adds the row and the file of an image that nobody has indexed yet. */
async function addRow(bytes: Uint8Array, assets: Assets, files: FolderStore): Promise<AssetRow> {
  const contentHash = hashOf(bytes)
  await files.put(contentHash, 'image/png', bytes)
  const { row } = await assets.add({
    contentHash,
    name: contentHash.slice(0, 8),
    title: null,
    description: null,
    tags: [],
    collections: [],
    mimeType: 'image/png',
    bytes: bytes.length,
    width: 32,
    height: 32,
  })
  return row
}

/** The files lie with the given server alone. */
const addUnindexed = (images: readonly Uint8Array[], { home, stores }: Server): Promise<AssetRow[]> =>
  Promise.all(images.map((bytes) => addRow(bytes, stores.assets, filesOf(home))))

async function statuses(assets: readonly AssetRow[]): Promise<string[]> {
  const rows = await servers[0].stores.assets.byIds(assets.map(({ id }) => id))
  return assets.map(({ id }) => rows.get(id)!.status)
}

it('two servers with one folder of files encode every image exactly once in sum', async () => {
  const [one, another] = servers
  mkdirSync(path.join(one.home, 'files'))
  symlinkSync(path.join(one.home, 'files'), path.join(another.home, 'files'))
  const assets = await addUnindexed(await testImages(120), one)
  const libraries = await Promise.all(servers.map((server) => server.open()))
  await Promise.all(libraries.map((library) => library.idle()))
  expect([...one.encoded, ...another.encoded].sort()).toEqual(
    assets.map(({ contentHash }) => contentHash).sort(),
  )
  for (const { encoded } of servers) expect(encoded.length).toBeGreaterThan(0)
  expect(new Set(await statuses(assets))).toEqual(new Set(['READY']))
  expect((await database.pool.query('SELECT FROM "Lease"')).rowCount).toBe(0)
})

// The embedded database lets in one process and one home: there are never two servers.
it.skipIf(!process.env.LIMN_TEST_DATABASE_URL)(
  'two servers that open one PostgreSQL address share its images',
  async () => {
    const { url, close } = await testDatabase()
    const homes = servers.map(({ home }) => path.join(home, 'of-an-address'))
    const databases = await Promise.all(homes.map((home) => openDatabase({ home, url })))
    const images = await testImages(40)
    for (const bytes of images) await addRow(bytes, databases[0]!.assets, filesOf(homes[0]!))
    symlinkSync(path.join(homes[0]!, 'files'), path.join(homes[1]!, 'files'))
    const libraries = await Promise.all(
      servers.map(({ encoder }, n) =>
        LocalLibrary.open({ database: databases[n]!, encoder, catalogue: encoder, home: homes[n]! }),
      ),
    )
    await Promise.all(libraries.map((library) => library.idle()))
    expect(servers.flatMap(({ encoded }) => encoded).sort()).toEqual(images.map(hashOf).sort())
    await Promise.all(libraries.map((library) => library.close()))
    for (const database of databases) await database.close()
    await close()
  },
)

it('images whose files lie on one server are left pending by the other and indexed by that one', async () => {
  const [one, another] = servers
  const images = await testImages(20)
  const first = await addUnindexed(images.slice(0, 10), one)
  const second = await addUnindexed(images.slice(10), another)
  await (await another.open()).idle()
  expect(await statuses(first)).toEqual(first.map(() => 'PENDING'))
  expect(await statuses(second)).toEqual(second.map(() => 'READY'))
  await (await one.open()).idle()
  expect(await statuses(first)).toEqual(first.map(() => 'READY'))
  expect(one.encoded.sort()).toEqual(first.map(({ contentHash }) => contentHash).sort())
  expect(another.encoded.sort()).toEqual(second.map(({ contentHash }) => contentHash).sort())
})

it('images that a dead server had reserved are indexed by another when the leases end', async () => {
  const [one, another] = servers
  const assets = await addUnindexed(await testImages(10), one)
  const { card } = await one.encoder.get()
  const ids = assets.map(({ id }) => id)
  const kind = `index:vectors:${card.revision}`
  expect(await another.stores.leases.claim(kind, ids, 3_000)).toHaveLength(10)
  const library = await one.open()
  await sleep(1_000)
  expect(one.encoded).toEqual([])
  expect(await statuses(assets)).toEqual(assets.map(() => 'PENDING'))
  await library.idle()
  expect(one.encoded).toHaveLength(10)
  expect(await statuses(assets)).toEqual(assets.map(() => 'READY'))
})

it('a server keeps its leases for as long as an image takes', async () => {
  const [one, another] = servers
  const [asset] = await addUnindexed(await testImages(1), one)
  const seen: string[] = []
  const indexers = servers.map(({ stores }, n) => {
    const slow: Enricher = {
      name: 'slow',
      revision: '1',
      async run() {
        seen.push(`server ${n}`)
        await sleep(2_000)
        return 'done'
      },
    }
    return new Indexer({
      task: new EnricherTask(slow, stores.enrichments),
      files: filesOf(one.home),
      leases: stores.leases,
      absent: new AbsentFiles({ assets: stores.assets, log: silent }),
      log: silent,
      leaseMs: 600,
      recallMs: 100,
    })
  })
  await Promise.all(indexers.map((indexer) => indexer.idle()))
  await Promise.all(indexers.map((indexer) => indexer.stop()))
  expect(seen).toHaveLength(1)
  expect(await another.stores.enrichments.get('slow', '1', [asset!.id])).toEqual(
    new Map([[asset!.id, 'done']]),
  )
})
