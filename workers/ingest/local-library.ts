import path from 'node:path'
import type { AssetChange, AssetPatch, AssetRow, Database } from '../../prisma/types.ts'
import type { ModelCatalogue } from '../encode/catalogue.ts'
import type { Encoder } from '../encode/encoder.ts'
import type { ByteRange, OpenFile } from '../fs/read.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { type Log, silent } from '../log.ts'
import { AbsentFiles } from './absent-files.ts'
import type { Enricher } from './enrich/enricher.ts'
import { EnricherTask } from './enrich/enricher-task.ts'
import type { IndexTask } from './enrich/index-task.ts'
import type { FileStore, StoredImage } from './file-store.ts'
import { FolderStore } from './folder-store.ts'
import { Indexer } from './indexer.ts'
import { inspect } from './inspect.ts'
import { IntentLog } from './intent-log.ts'
import { joinCollections } from './labels/collections.ts'
import { cleanLabels, type Labels } from './labels/labels.ts'
import { type DuplicatePolicy, labelPatch } from './labels/merge.ts'
import { cleanLine, joinTags, labelLimits, lastCharacters } from './labels/texts.ts'
import type { Added, EnricherProgress, Library, NewImage } from './library.ts'
import { MetadataReader } from './metadata/reader/reader.ts'
import { ModelIndexes } from './model-indexes.ts'
import { recover } from './recovery.ts'
import { Thumbnails } from './thumbnails.ts'

export interface LibraryOptions {
  database: Pick<Database, 'assets' | 'vectors' | 'enrichments' | 'leases'>
  encoder: Encoder
  catalogue: ModelCatalogue
  /** LIMN_HOME: files, thumbnails, drafts and journal lie in it. */
  home: string
  /** Run over every image, beside the default model. */
  enrichers?: readonly Enricher[]
  limits?: ImageLimits
  log?: Log
}

/** All that a library stands on, once it is open. */
interface Parts extends Required<Omit<LibraryOptions, 'encoder' | 'catalogue' | 'home' | 'enrichers'>> {
  files: FileStore
  thumbnails: Thumbnails
  journal: IntentLog
  models: ModelIndexes
}

/** A library whose files lie on this machine. */
export class LocalLibrary implements Library {
  readonly #parts: Parts
  readonly #metadata: MetadataReader
  readonly #absent: AbsentFiles
  /** By enricher and revision. */
  readonly #indexers = new Map<string, Indexer>()

  private constructor(parts: Parts) {
    this.#parts = parts
    this.#metadata = new MetadataReader({ log: parts.log })
    this.#absent = new AbsentFiles({ assets: parts.database.assets, log: parts.log })
  }

  /** Cleans up after a process that died, then indexes what lacks its outcome. */
  static async open({
    database,
    encoder,
    catalogue,
    home,
    enrichers = [],
    limits = defaultLimits,
    log = silent,
  }: LibraryOptions): Promise<LocalLibrary> {
    const drafts = path.join(home, 'drafts')
    const files = FolderStore.of(home)
    const thumbnails = new Thumbnails({ root: path.join(home, 'thumbnails'), drafts, files, limits })
    const journal = new IntentLog(path.join(home, 'journal'))
    await recover({ database, files, thumbnails, journal, drafts, log })
    const models = await ModelIndexes.open({ database, encoder, catalogue, files, log })
    const library = new LocalLibrary({ database, limits, log, files, thumbnails, journal, models })
    library.#indexer(await models.task())
    for (const enricher of enrichers) library.#indexer(new EnricherTask(enricher, database.enrichments))
    return library
  }

  #indexer(task: IndexTask): Indexer {
    const key = `${task.name}:${task.revision}`
    let indexer = this.#indexers.get(key)
    if (!indexer) {
      const { database, files, log } = this.#parts
      indexer = new Indexer({ task, files, leases: database.leases, absent: this.#absent, log })
      this.#indexers.set(key, indexer)
    }
    return indexer
  }

  async add(image: NewImage): Promise<Added> {
    const { database, files, thumbnails, limits, journal } = this.#parts
    const { bytes, onDuplicate = 'MERGE' } = image
    const contentHash = await digestOf(bytes)
    const known = (await database.assets.byHashes([contentHash])).get(contentHash)
    const labels = cleanLabels(image)
    const failed = known?.status === 'FAILED'
    const lost = known !== undefined && (await files.condition(known, 'digest')) !== 'whole'
    // Taken before, so inspected before.
    if (known && !failed && !lost) return this.label(known, labels, onDuplicate)
    const { mimeType, width, height, header } = await inspect(bytes, limits)
    const own = await this.#metadata.read(bytes, header)
    const row = {
      id: image.id,
      contentHash,
      name: nameOf(labels.name) || nameOf(image.fileName) || contentHash.slice(0, 12),
      title: labels.title ?? own.title,
      description: labels.description ?? own.description,
      tags: joinTags(labels.tags, own.keywords),
      collections: joinCollections(labels.collections),
      takenAt: labels.takenAt ?? own.takenAt,
      mimeType,
      bytes: bytes.byteLength,
      width,
      height,
    }
    const added = await journal.withIntent(contentHash, async () => {
      await files.put(contentHash, mimeType, bytes, failed || lost)
      if (failed || lost) await thumbnails.delete(contentHash)
      return database.assets.add(row)
    })
    // One whose file was damaged or lost has another try.
    if (!added.duplicate || lost || added.row.status === 'FAILED') this.#offer(added.row)
    if (added.duplicate) return this.label(added.row, labels, onDuplicate)
    return { asset: added.row, duplicate: false, changed: [] }
  }

  async label(asset: AssetRow, labels: Labels, policy: DuplicatePolicy): Promise<Added> {
    const { assets } = this.#parts.database
    const cleaned = cleanLabels(labels)
    for (let row: AssetRow | undefined = asset; row; row = (await assets.byIds([asset.id])).get(asset.id)) {
      const patch = labelPatch(row, cleaned, policy)
      const changed = Object.keys(patch) as (keyof AssetPatch)[]
      // Another call may change the row at the same time: none of the two loses its labels.
      const updated = changed.length > 0 ? await assets.update(row.id, patch, row) : row
      if (updated) return { asset: updated, duplicate: true, changed }
    }
    // Deleted meanwhile.
    return { asset, duplicate: true, changed: [] }
  }

  #offer(asset: AssetRow): void {
    this.#absent.forget(asset)
    for (const indexer of this.#indexers.values()) indexer.offer(asset)
  }

  update(id: string, patch: AssetPatch, unchanged?: AssetRow): Promise<AssetRow | null> {
    return this.#parts.database.assets.update(id, storable(patch), unchanged)
  }

  updateEach(changes: readonly AssetChange[]): Promise<AssetRow[]> {
    return this.#parts.database.assets.updateEach(
      changes.map(({ row, patch }) => ({ row, patch: storable(patch) })),
    )
  }

  async delete(ids: readonly string[]): Promise<string[]> {
    const { database, files, thumbnails, journal } = this.#parts
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

  openFile(asset: StoredImage, range?: ByteRange): Promise<OpenFile | null> {
    return this.#parts.files.open(asset, range)
  }

  readFile(asset: StoredImage): Promise<Uint8Array | null> {
    return this.#parts.files.read(asset)
  }

  openThumbnail(asset: StoredImage, size: number, range?: ByteRange): Promise<OpenFile | null> {
    return this.#parts.thumbnails.open(asset, size, range)
  }

  vectors(assets: readonly AssetRow[], model?: string | null): Promise<Map<string, Float32Array>> {
    return this.#parts.models.vectors(assets, model)
  }

  async ensureIndexed(model?: string | null): Promise<boolean> {
    return this.#indexer(await this.#parts.models.task(model)).complete
  }

  progress(): Promise<EnricherProgress[]> {
    return Promise.all([...this.#indexers.values()].map((indexer) => indexer.progress()))
  }

  async idle(): Promise<void> {
    for (const indexer of this.#indexers.values()) await indexer.idle()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#indexers.values()].map((indexer) => indexer.stop()))
    await this.#metadata.close()
  }
}

function storable(patch: AssetPatch): AssetPatch {
  const cleaned = cleanLabels(patch)
  if (cleaned.tags) cleaned.tags = joinTags(cleaned.tags)
  if (cleaned.collections) cleaned.collections = joinCollections(cleaned.collections)
  return cleaned
}

/** SHA-256 in hex, off the event loop: tens of milliseconds for a large file. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')
}

const nameOf = (name: string | null | undefined): string =>
  lastCharacters(cleanLine(name ?? ''), labelLimits.name)
