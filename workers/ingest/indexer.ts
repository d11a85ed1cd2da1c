import { setTimeout as sleep } from 'node:timers/promises'
import type { AssetRow, Database } from '../../prisma/types.ts'
import type { Encoder } from '../encode/encoder.ts'
import { ItemError, Overloaded } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { FileStore } from './files.ts'

export interface IndexerOptions {
  database: Database
  encoder: Encoder
  files: FileStore
  log: Log
  spec: ModelSpec
  /** The model whose vectors make an asset READY. */
  isDefault: boolean
}

/** Pictures that are encoded and stored together, as long as two such pages leave half of the queue to callers. */
const mostOfPage = 32
/** Pages at once: while one's vectors are stored the next one is encoded. */
const pagesAtOnce = 2
const longestPauseMs = 15_000

/**
 * Gives every asset its vector of one model. What is missing is asked of the database, never remembered: whatever dies,
 * the next start goes on where it stood.
 */
export class Indexer {
  readonly #options: IndexerOptions
  readonly #stop = new AbortController()
  readonly #inFlight = new Set<string>()
  readonly #pages = new Set<Promise<void>>()
  readonly #running: Promise<void>
  #wake = Promise.withResolvers<void>()
  #idle = Promise.withResolvers<void>()
  #isIdle = false
  #woken = false
  readonly #pageSize: number

  constructor(options: IndexerOptions) {
    this.#options = options
    this.#pageSize = Math.max(1, Math.min(mostOfPage, Math.floor(options.encoder.stats().limit / 4)))
    this.#running = this.#run()
  }

  /** Something new is there. */
  wake(): void {
    if (this.#isIdle) this.#idle = Promise.withResolvers()
    this.#isIdle = false
    this.#woken = true
    this.#wake.resolve()
  }

  /** Resolves when nothing is missing. */
  async idle(): Promise<void> {
    await this.#idle.promise
  }

  get complete(): boolean {
    return this.#isIdle
  }

  /** Ends after what is being encoded. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake.resolve()
    await this.#running
    this.#idle.resolve()
  }

  async #run(): Promise<void> {
    let pause = 250
    while (!this.#stop.signal.aborted) {
      try {
        await this.#round()
        pause = 250
      } catch (error) {
        if (this.#stop.signal.aborted) break
        const ms = error instanceof Overloaded ? error.retryAfterMs : pause
        pause = Math.min(longestPauseMs, pause * 2)
        this.#options.log.warn({ reason: (error as Error).message, ms }, 'indexing pauses')
        await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
    await Promise.allSettled(this.#pages)
  }

  /** One page on its way; waits when there is none, or when enough are. */
  async #round(): Promise<void> {
    const { database, spec } = this.#options
    this.#wake = Promise.withResolvers()
    this.#woken = false
    const missing = await database.vectors.missing(spec.revision, this.#pageSize + this.#inFlight.size)
    const page = missing.filter(({ id }) => !this.#inFlight.has(id)).slice(0, this.#pageSize)
    if (page.length === 0) {
      if (this.#pages.size > 0) return void (await Promise.race(this.#pages))
      // Something came while the database was being asked.
      if (this.#woken) return
      this.#isIdle = true
      this.#idle.resolve()
      return this.#wake.promise
    }
    for (const { id } of page) this.#inFlight.add(id)
    const work = this.#index(page).finally(() => {
      for (const { id } of page) this.#inFlight.delete(id)
      this.#pages.delete(work)
    })
    this.#pages.add(work)
    work.catch(() => {})
    if (this.#pages.size >= pagesAtOnce) await Promise.race(this.#pages)
  }

  async #index(page: AssetRow[]): Promise<void> {
    const { database, encoder, files, spec, isDefault, log } = this.#options
    const read = await Promise.all(
      page.map(async (asset) => {
        try {
          return {
            asset,
            image: await files.read(asset.contentHash, asset.mimeType),
            contentHash: asset.contentHash,
          }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
          // Deleted since the page was read: then there is no row to fail either.
          await database.vectors.fail(asset.id, 'The file is not in the store.')
          return null
        }
      }),
    )
    const inputs = read.filter((input) => input !== null)
    const results = await encoder.encode(inputs, {
      model: spec.name,
      priority: 'bulk',
      deadlineMs: 600_000,
      signal: this.#stop.signal,
    })
    const rows: { assetId: string; vector: Float32Array }[] = []
    for (const [n, result] of results.entries()) {
      const { asset } = inputs[n]!
      if (result instanceof ItemError) {
        log.warn({ asset: asset.id, reason: result.message }, 'a picture cannot be encoded')
        await database.vectors.fail(asset.id, result.message)
      } else rows.push({ assetId: asset.id, vector: result.vector })
    }
    await database.vectors.put(spec.revision, rows, { ready: isDefault })
  }
}
