import type { AssetRow, Database } from '../../prisma/types.ts'
import type { ModelCatalogue } from '../encode/catalogue.ts'
import type { Encoder } from '../encode/encoder.ts'
import { ItemError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import { VectorTask } from './enrich/vector-task.ts'
import type { FileStore } from './file-store.ts'

export interface ModelIndexesOptions {
  database: Pick<Database, 'assets' | 'vectors'>
  encoder: Encoder
  catalogue: ModelCatalogue
  files: FileStore
  log: Log
}

/** Images that `vectors` encodes by one call, as long as they leave room for other callers. */
const maxEncodedAtOnce = 64

/** The vectors of the library: those that indexers make in time, and those that somebody waits for. */
export class ModelIndexes {
  readonly #options: ModelIndexesOptions
  readonly #default: ModelCard
  readonly #registrations = new Map<string, Promise<void>>()

  private constructor(options: ModelIndexesOptions, card: ModelCard) {
    this.#options = options
    this.#default = card
  }

  static async open(options: ModelIndexesOptions): Promise<ModelIndexes> {
    const { card } = await options.catalogue.get()
    const indexes = new ModelIndexes(options, card)
    await indexes.#announce(card)
    return indexes
  }

  /** The task of a model, of the default one when `name` is absent. The database knows the model when it resolves. */
  async task(name?: string | null): Promise<VectorTask> {
    const { catalogue, database, encoder } = this.#options
    const { card } = await catalogue.get(name)
    await this.#register(card)
    return new VectorTask({ vectors: database.vectors, encoder, card, isDefault: this.#isDefault(card) })
  }

  /** The stored vector of each asset, encoding and storing those that are missing. */
  async vectors(assets: readonly AssetRow[], model?: string | null): Promise<Map<string, Float32Array>> {
    const { catalogue, database, encoder } = this.#options
    const { card } = await catalogue.get(model)
    const found = await database.vectors.get(
      card.revision,
      assets.map(({ id }) => id),
    )
    const missing = assets.filter(({ id, status }) => !found.has(id) && status !== 'FAILED')
    if (missing.length > 0) await this.#register(card)
    const size = Math.max(1, Math.min(maxEncodedAtOnce, Math.floor(encoder.stats().limit / 4)))
    for (let from = 0; from < missing.length; from += size)
      for (const { assetId, vector } of await this.#encode(missing.slice(from, from + size), card))
        found.set(assetId, vector)
    return found
  }

  async #encode(assets: readonly AssetRow[], card: ModelCard) {
    const { database, encoder, files } = this.#options
    const images = await Promise.all(assets.map((asset) => files.read(asset).catch(unlessItem)))
    const inputs = assets.flatMap(({ id, contentHash }, n) => {
      const image = images[n]
      return image ? [{ id, image, contentHash }] : []
    })
    const results = await encoder.encode(inputs, { model: card.name })
    const rows = inputs.flatMap(({ id }, n) => {
      const result = results[n]!
      return result instanceof ItemError ? [] : [{ assetId: id, vector: result.vector }]
    })
    await database.vectors.put(card.revision, rows, { ready: this.#isDefault(card) })
    return rows
  }

  #isDefault({ revision }: ModelCard): boolean {
    return revision === this.#default.revision
  }

  /** Makes the model known to the database, once. */
  #register({ revision, name, dimensions }: ModelCard): Promise<void> {
    let registration = this.#registrations.get(revision)
    if (!registration) {
      registration = this.#options.database.vectors.register({ revision, name, dimensions })
      this.#registrations.set(revision, registration)
      registration.catch(() => this.#registrations.delete(revision))
    }
    return registration
  }

  /** Warns when images that have vectors of another model are going to be indexed anew. */
  async #announce({ name, dimensions, revision }: ModelCard): Promise<void> {
    const { database, log } = this.#options
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
}

/** A damaged file is as good as none. */
function unlessItem(error: unknown): null {
  if (error instanceof ItemError) return null
  throw error
}
