import { setTimeout as sleep } from 'node:timers/promises'
import type { AssetRow, Database } from '../../prisma/types.ts'
import type { Encoder } from '../encode/encoder.ts'
import { ItemError, Overloaded } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import type { FileStore } from './file-store.ts'
import { IndexQueue } from './index-queue.ts'

export interface IndexerOptions {
  database: Database
  encoder: Encoder
  files: FileStore
  log: Log
  spec: ModelCard
  /** The model whose vectors make an asset READY. */
  isDefault: boolean
}

/** Images that are encoded and stored together, as long as two such pages leave half of the queue to callers. */
const mostOfPage = 32
/** Pages at once: while one's vectors are stored the next one is encoded. */
const pagesAtOnce = 2
const firstPauseMs = 250
const longestPauseMs = 15_000

/**
 * Gives every asset its vector of one model. What is missing is asked of the database at the start and after every
 * failure; what is added in between is offered. So whatever dies, the next start goes on where it stood.
 */
export class Indexer {
  readonly #options: IndexerOptions
  readonly #waiting: IndexQueue
  readonly #pageSize: number
  readonly #stop = new AbortController()
  readonly #pages = new Set<Promise<void>>()
  readonly #running: Promise<void>
  #wake = Promise.withResolvers<void>()
  #settled = Promise.withResolvers<void>()
  #failure: unknown = null
  #pauseMs = firstPauseMs

  constructor(options: IndexerOptions) {
    const { database, encoder, spec } = options
    this.#options = options
    this.#waiting = new IndexQueue((limit, after) => database.vectors.missing(spec.revision, limit, after))
    this.#pageSize = Math.max(1, Math.min(mostOfPage, Math.floor(encoder.stats().limit / 4)))
    this.#running = this.#run()
  }

  /** An asset that is new. */
  offer(asset: AssetRow): void {
    this.#waiting.offer(asset)
    this.#wake.resolve()
  }

  /** Whether every asset has its vector, but for those that cannot have one. */
  get complete(): boolean {
    return this.#waiting.empty
  }

  /** Resolves when nothing is missing, or when it is stopped. */
  async idle(): Promise<void> {
    while (!this.complete && !this.#stop.signal.aborted) await this.#settled.promise
  }

  /** What is being encoded is dropped, what is being stored is waited for. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the library is closed'))
    this.#wake.resolve()
    await this.#running
    this.#settled.resolve()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers()
      try {
        await this.#pauseAfterFailure()
        const page = await this.#waiting.take(this.#pageSize)
        if (page.length > 0) this.#begin(page)
        if (this.#pages.size >= pagesAtOnce) await Promise.race(this.#pages)
        else if (page.length === 0) await this.#rest()
      } catch (error) {
        this.#failure = error
      }
    }
    await Promise.all(this.#pages)
  }

  /** Nothing waits: until a page ends or something new comes. */
  async #rest(): Promise<void> {
    if (this.complete) {
      this.#settled.resolve()
      this.#settled = Promise.withResolvers()
    }
    await Promise.race([this.#wake.promise, ...this.#pages])
  }

  #begin(page: AssetRow[]): void {
    const work = this.#index(page)
      .then(
        (unencodable) => {
          this.#waiting.ack(page, unencodable)
          this.#pauseMs = firstPauseMs
        },
        (error) => {
          this.#waiting.nack(page)
          this.#failure = error
        },
      )
      .finally(() => this.#pages.delete(work))
    this.#pages.add(work)
  }

  /** The queue is full, the database is gone, the model does not load: nothing that is the images' fault. */
  async #pauseAfterFailure(): Promise<void> {
    const error = this.#failure
    if (error === null) return
    this.#failure = null
    const { log, spec } = this.#options
    if (this.#stop.signal.aborted) return
    const ms = error instanceof Overloaded ? error.retryAfterMs : this.#pauseMs
    if (error instanceof Overloaded) log.debug({ model: spec.name, ms }, 'indexing makes room for callers')
    else {
      this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2)
      log.warn({ model: spec.name, reason: (error as Error).message, ms }, 'indexing pauses')
    }
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  /** Encodes and stores; returns the ids of images that the database would call missing for ever. */
  async #index(page: AssetRow[]): Promise<string[]> {
    const { database, encoder, files, spec, isDefault, log } = this.#options
    const failed: { asset: AssetRow; reason: string }[] = []
    const inputs: { asset: AssetRow; image: Uint8Array; contentHash: string }[] = []
    for (const [n, image] of (await Promise.all(page.map((asset) => readStored(files, asset)))).entries()) {
      const asset = page[n]!
      // Deleted since: then there is no row to fail either.
      if (image) inputs.push({ asset, image, contentHash: asset.contentHash })
      else failed.push({ asset, reason: 'The file is not in the store.' })
    }
    const results = await encoder.encode(inputs, {
      model: spec.name,
      priority: 'bulk',
      deadlineMs: 600_000,
      signal: this.#stop.signal,
    })
    const rows: { assetId: string; vector: Float32Array }[] = []
    for (const [n, result] of results.entries()) {
      const { asset } = inputs[n]!
      if (result instanceof ItemError) failed.push({ asset, reason: result.message })
      else rows.push({ assetId: asset.id, vector: result.vector })
    }
    await database.vectors.put(spec.revision, rows, { ready: isDefault })
    for (const { asset, reason } of failed) {
      log.warn({ asset: asset.id, model: spec.name, reason }, 'an image cannot be encoded')
      // Another model's trouble leaves the asset as it is.
      if (isDefault) await database.vectors.fail(asset.id, reason)
    }
    return isDefault ? [] : failed.map(({ asset }) => asset.id)
  }
}

/** The stored file's bytes, or null where there is none. */
export async function readStored(files: FileStore, asset: AssetRow): Promise<Uint8Array | null> {
  try {
    return await files.read(asset.contentHash, asset.mimeType)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
