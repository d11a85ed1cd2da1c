import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { AssetPatch, AssetRow, Database } from '../../prisma/types.ts'
import type { Encoder } from '../encode/encoder.ts'
import { ItemError } from '../errors.ts'
import { type Log, silent } from '../log.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { defaultLimits, type PictureLimits } from '../sources/picture.ts'
import { FolderStore } from './files.ts'
import { Indexer } from './indexer.ts'
import { inspect } from './inspect.ts'
import { Journal } from './journal.ts'
import { joinTags, readMetadata } from './metadata.ts'
import { Thumbnails } from './thumbnails.ts'
import type { Added, Library, NewPicture } from './types.ts'

export interface LibraryOptions {
  database: Database
  encoder: Encoder
  /** LIMN_HOME: files, thumbnails and journal lie in it. */
  home: string
  limits?: PictureLimits
  log?: Log
}

/** Opens the library: cleans up after a process that died, then indexes what lacks its vector. */
export async function createLibrary({
  database,
  encoder,
  home,
  limits = defaultLimits,
  log = silent,
}: LibraryOptions): Promise<Library> {
  const files = new FolderStore(path.join(home, 'files'))
  const thumbnails = new Thumbnails(path.join(home, 'thumbnails'), limits)
  const journal = new Journal(path.join(home, 'journal'))
  await mkdir(path.join(home, 'files'), { recursive: true })
  await recover()

  const { spec } = await encoder.model()
  await announce(spec)
  const indexers = new Map<string, Promise<Indexer>>()
  const indexer = await startIndexer(spec, true)

  /** A mark of the journal means that the row decides: without one the file goes. */
  async function recover(): Promise<void> {
    const marked = await journal.open()
    const rows = await database.assets.byHashes(marked)
    for (const hash of marked) {
      if (!rows.has(hash)) await Promise.all([files.delete(hash), thumbnails.delete(hash)])
      await journal.clear(hash)
    }
    if (marked.length > 0)
      log.info({ pictures: marked.length }, 'cleaned up what an earlier process left half done')
  }

  /** Says it when pictures that have vectors of another model are going to be indexed anew. */
  async function announce(model: ModelSpec): Promise<void> {
    const before = await database.vectors.registered()
    if (before.length === 0 || before.some(({ revision }) => revision === model.revision)) return
    const last = before.at(-1)!
    log.warn(
      {
        model: model.name,
        dimensions: model.dimensions,
        before: last.name,
        beforeDimensions: last.dimensions,
      },
      `the library was indexed with ${last.name} (${last.dimensions} dimensions); its pictures are now indexed with ${model.name} (${model.dimensions}), the older vectors stay untouched`,
    )
  }

  function startIndexer(model: ModelSpec, isDefault: boolean): Promise<Indexer> {
    let started = indexers.get(model.revision)
    if (!started) {
      const { revision, name, dimensions } = model
      started = database.vectors
        .register({ revision, name, dimensions })
        .then(() => new Indexer({ database, encoder, files, log, spec: model, isDefault }))
      indexers.set(revision, started)
      started.catch(() => indexers.delete(revision))
    }
    return started
  }

  async function wakeAll(): Promise<void> {
    for (const started of indexers.values()) (await started.catch(() => null))?.wake()
  }

  async function add(picture: NewPicture): Promise<Added> {
    const { bytes } = picture
    const contentHash = createHash('sha256').update(bytes).digest('hex')
    const known = await database.assets.byHashes([contentHash])
    // Taken before, so inspected before.
    if (known.has(contentHash)) return { asset: known.get(contentHash)!, duplicate: true }
    const { mimeType, width, height } = await inspect(bytes, limits)
    const own = readMetadata(bytes, mimeType, log)
    const row = {
      contentHash,
      name: picture.name?.trim() || `${contentHash.slice(0, 12)}`,
      title: picture.title ?? own.title,
      description: picture.description ?? own.description,
      tags: joinTags(picture.tags, own.keywords),
      collection: picture.collection ?? null,
      mimeType,
      bytes: bytes.byteLength,
      width,
      height,
    }
    const added = await journal.during(contentHash, async () => {
      await files.put(contentHash, mimeType, bytes)
      return database.assets.add(row)
    })
    await wakeAll()
    return { asset: added.row, duplicate: added.duplicate }
  }

  async function remove(ids: readonly string[]): Promise<string[]> {
    const rows = await database.assets.byIds(ids)
    const gone = await Promise.all(
      [...rows.values()].map(({ id, contentHash }) =>
        journal.during(contentHash, async () => {
          const [deleted] = await database.assets.delete([id])
          if (!deleted) return null
          await Promise.all([files.delete(contentHash), thumbnails.delete(contentHash)])
          return id
        }),
      ),
    )
    return gone.filter((id) => id !== null)
  }

  async function vectors(
    assets: readonly AssetRow[],
    model?: string | null,
  ): Promise<Map<string, Float32Array>> {
    const wanted = (await encoder.model(model)).spec
    const found = await database.vectors.get(
      wanted.revision,
      assets.map(({ id }) => id),
    )
    const missing = assets.filter(({ id, status }) => !found.has(id) && status !== 'FAILED')
    if (missing.length === 0) return found
    const inputs = await Promise.all(
      missing.map(async ({ contentHash, mimeType }) => ({
        image: await files.read(contentHash, mimeType),
        contentHash,
      })),
    )
    const encoded = await encoder.encode(inputs, { model: wanted.name })
    const rows = missing.flatMap(({ id }, n) => {
      const one = encoded[n]!
      return one instanceof ItemError ? [] : [{ assetId: id, vector: one.vector }]
    })
    await database.vectors.put(wanted.revision, rows, { ready: wanted.revision === spec.revision })
    for (const { assetId, vector } of rows) found.set(assetId, vector)
    return found
  }

  return {
    add,
    delete: remove,
    vectors,
    update(id: string, patch: AssetPatch) {
      return database.assets.update(id, patch.tags ? { ...patch, tags: joinTags(patch.tags) } : patch)
    },
    filePath: ({ contentHash, mimeType }) => files.path(contentHash, mimeType),
    thumbnailPath: ({ contentHash, mimeType }, size) =>
      thumbnails.path(contentHash, size, () => files.read(contentHash, mimeType)),
    async ensureIndexed(model) {
      const wanted = (await encoder.model(model)).spec
      return (await startIndexer(wanted, wanted.revision === spec.revision)).complete
    },
    async idle() {
      await indexer.idle()
    },
    async close() {
      for (const started of indexers.values()) await (await started.catch(() => null))?.stop()
    },
  }
}
