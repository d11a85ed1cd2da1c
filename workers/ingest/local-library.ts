import { createHash } from 'node:crypto'
import path from 'node:path'
import type { AssetPatch, AssetRow, Database } from '../../prisma/types.ts'
import type { ModelCatalogue } from '../encode/catalogue.ts'
import type { Encoder } from '../encode/encoder.ts'
import { ItemError } from '../errors.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { type Log, silent } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import { FolderStore } from './file-store.ts'
import { Indexer, readStored } from './indexer.ts'
import { inspect } from './inspect.ts'
import { IntentLog } from './intent-log.ts'
import type { Added, Library, NewImage } from './library.ts'
import { joinTags, readMetadata } from './metadata.ts'
import { recover } from './recovery.ts'
import { Thumbnails } from './thumbnails.ts'

export interface LibraryOptions {
  database: Database
  encoder: Encoder
  catalogue: ModelCatalogue
  /** LIMN_HOME: files, thumbnails, drafts and journal lie in it. */
  home: string
  limits?: ImageLimits
  log?: Log
}

/** Images that `vectors` encodes by one call, as long as they leave room for other callers. */
const encodedAtOnce = 64

/** Opens the library: cleans up after a process that died, then indexes what lacks its vector. */
export async function createLibrary({
  database,
  encoder,
  catalogue,
  home,
  limits = defaultLimits,
  log = silent,
}: LibraryOptions): Promise<Library> {
  const drafts = path.join(home, 'drafts')
  const files = new FolderStore(path.join(home, 'files'), drafts)
  const thumbnails = new Thumbnails(path.join(home, 'thumbnails'), drafts, limits)
  const journal = new IntentLog(path.join(home, 'journal'))
  await recover({ database, files, thumbnails, journal, drafts, log })

  const { card: spec } = await catalogue.get()
  await announce(spec)
  const registrations = new Map<string, Promise<void>>()
  const indexers = new Map<string, Indexer>()
  await indexerOf(spec)

  /** Says it when images that have vectors of another model are going to be indexed anew. */
  async function announce({ name, dimensions, revision }: ModelCard): Promise<void> {
    const before = await database.vectors.registered()
    const last = before.at(-1)
    if (!last || before.some((model) => model.revision === revision)) return
    const count = await database.assets.count()
    if (count === 0) return
    const old = last.name === name ? `an earlier revision of ${name}` : last.name
    log.warn(
      { model: name, dimensions, before: last.name, beforeDimensions: last.dimensions, images: count },
      `the library was indexed with ${old} (${last.dimensions} dimensions); its ${count} images are now indexed with ${name} (${dimensions} dimensions) too. The older vectors stay untouched; until this is done search answers with truncated: true`,
    )
  }

  /** Makes the model known to the database, once. */
  function register({ revision, name, dimensions }: ModelCard): Promise<void> {
    let registration = registrations.get(revision)
    if (!registration) {
      registration = database.vectors.register({ revision, name, dimensions })
      registrations.set(revision, registration)
      registration.catch(() => registrations.delete(revision))
    }
    return registration
  }

  async function indexerOf(model: ModelCard): Promise<Indexer> {
    await register(model)
    let indexer = indexers.get(model.revision)
    if (!indexer) {
      const isDefault = model.revision === spec.revision
      indexer = new Indexer({ database, encoder, files, log, spec: model, isDefault })
      indexers.set(model.revision, indexer)
    }
    return indexer
  }

  async function add(image: NewImage): Promise<Added> {
    const { bytes } = image
    const contentHash = createHash('sha256').update(bytes).digest('hex')
    const known = (await database.assets.byHashes([contentHash])).get(contentHash)
    // Taken before, so inspected before.
    if (known && known.status !== 'FAILED' && (await files.has(contentHash, known.mimeType)))
      return { asset: known, duplicate: true }
    const { mimeType, width, height, header } = await inspect(bytes, limits)
    const own = readMetadata(bytes, mimeType, log, header.xmp)
    const row = {
      contentHash,
      name: image.name?.trim() || contentHash.slice(0, 12),
      title: image.title ?? own.title,
      description: image.description ?? own.description,
      tags: joinTags(image.tags, own.keywords),
      collection: image.collection ?? null,
      mimeType,
      bytes: bytes.byteLength,
      width,
      height,
    }
    const added = await journal.withIntent(contentHash, async () => {
      await files.put(contentHash, mimeType, bytes, known?.status === 'FAILED')
      return database.assets.add(row)
    })
    // One that failed has another try: its file may have been damaged or lost.
    if (!added.duplicate || added.row.status === 'FAILED')
      for (const indexer of indexers.values()) indexer.offer(added.row)
    return { asset: added.row, duplicate: added.duplicate }
  }

  async function remove(ids: readonly string[]): Promise<string[]> {
    const rows = await database.assets.byIds(ids)
    const gone = await Promise.all(
      [...rows.values()].map(({ id, contentHash }) =>
        journal.withIntent(contentHash, async () => {
          const [deleted] = await database.assets.delete([id])
          if (!deleted) return null
          await files.delete(contentHash)
          await thumbnails.delete(contentHash)
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
    const wanted = (await catalogue.get(model)).card
    const ids = assets.map(({ id }) => id)
    const found = await database.vectors.get(wanted.revision, ids)
    const missing = assets.filter(({ id, status }) => !found.has(id) && status !== 'FAILED')
    if (missing.length > 0) await register(wanted)
    const most = Math.max(1, Math.min(encodedAtOnce, Math.floor(encoder.stats().limit / 4)))
    for (let from = 0; from < missing.length; from += most)
      for (const [id, vector] of await encodeAndStore(missing.slice(from, from + most), wanted))
        found.set(id, vector)
    return found
  }

  async function encodeAndStore(assets: readonly AssetRow[], model: ModelCard) {
    const images = await Promise.all(assets.map((asset) => readStored(files, asset)))
    const inputs = assets.flatMap(({ id, contentHash }, n) => {
      const image = images[n]
      return image ? [{ id, image, contentHash }] : []
    })
    const encoded = await encoder.encode(inputs, { model: model.name })
    const rows = inputs.flatMap(({ id }, n) => {
      const one = encoded[n]!
      return one instanceof ItemError ? [] : [{ assetId: id, vector: one.vector }]
    })
    await database.vectors.put(model.revision, rows, { ready: model.revision === spec.revision })
    return rows.map(({ assetId, vector }) => [assetId, vector] as const)
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
      thumbnails.path(contentHash, size, files.path(contentHash, mimeType)),
    async ensureIndexed(model) {
      return (await indexerOf((await catalogue.get(model)).card)).complete
    },
    async idle() {
      for (const indexer of indexers.values()) await indexer.idle()
    },
    async close() {
      await Promise.all([...indexers.values()].map((indexer) => indexer.stop()))
    },
  }
}
