import { setTimeout as sleep } from 'node:timers/promises'
import type { AssetRow, Leases } from '../../prisma/types.ts'
import { ItemError, Overloaded } from '../errors.ts'
import type { Log } from '../log.ts'
import type { AbsentFiles } from './absent-files.ts'
import type { IndexInput, IndexTask } from './enrich/index-task.ts'
import type { FileStore } from './file-store.ts'
import { IndexQueue } from './index-queue.ts'
import type { EnricherProgress } from './library.ts'
import { withLeases } from './with-leases.ts'

export interface IndexerOptions {
  task: IndexTask
  files: FileStore
  leases: Leases
  absent: AbsentFiles
  log: Log
  /** How long a page stays reserved after its server died. */
  leaseMs?: number
  /** How long assets that another server holds are left alone. */
  recallMs?: number
  /** How often an indexer without work looks for assets that another server took in and did not finish. */
  refillMs?: number
}

/** Pages at once: while one's results are stored the next one is computed. */
const pagesAtOnce = 2
const firstPauseMs = 250
const maxPauseMs = 15_000

/** How the assets of a page came out. */
interface PageOutcome {
  settled: AssetRow[]
  /** Another server works on them. */
  deferred: AssetRow[]
  /** Ids of settled ones that the database may still call missing. */
  givenUp: string[]
}

/** The files of a page. */
interface ReadImages {
  images: IndexInput[]
  missing: AssetRow[]
  damaged: { asset: AssetRow; reason: string }[]
}

/**
 * Gives every asset its outcome of one task. The database knows what is missing: the indexer asks it at the start
 * and after every failure, and gets new assets offered in between. So the next start goes on where a crash left off.
 * Several servers may index one database: each works only on assets whose lease it holds.
 */
export class Indexer {
  readonly #options: Required<IndexerOptions>
  readonly #kind: string
  readonly #waiting: IndexQueue
  readonly #stop = new AbortController()
  readonly #pages = new Set<Promise<void>>()
  readonly #running: Promise<void>
  #wake = Promise.withResolvers<void>()
  #settled = Promise.withResolvers<void>()
  #recall: NodeJS.Timeout | null = null
  readonly #refill: NodeJS.Timeout
  #failure: unknown = null
  #pauseMs = firstPauseMs

  constructor(options: IndexerOptions) {
    this.#options = { leaseMs: 60_000, recallMs: 5_000, refillMs: 60_000, ...options }
    const { task } = options
    this.#kind = `index:${task.name}:${task.revision}`
    this.#waiting = new IndexQueue((limit, after) => task.missing(limit, after))
    this.#refill = setInterval(() => void this.#lookAgain(), this.#options.refillMs).unref()
    this.#running = this.#run()
  }

  /** An asset that is new, or is to be tried again. */
  offer(asset: AssetRow): void {
    this.#waiting.offer(asset)
    this.#wake.resolve()
  }

  /** Whether every asset has its outcome, but for those that cannot have one here. */
  get complete(): boolean {
    return this.#waiting.empty
  }

  /** Resolves when nothing is missing, or when it is stopped. */
  async idle(): Promise<void> {
    while (!this.complete && !this.#stop.signal.aborted) await this.#settled.promise
  }

  async progress(): Promise<EnricherProgress> {
    const { task } = this.#options
    return { enricher: task.name, revision: task.revision, ...(await task.progress()) }
  }

  /** Drops what is being computed, and waits for what is being stored. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the library is closed'))
    if (this.#recall) clearTimeout(this.#recall)
    clearInterval(this.#refill)
    this.#wake.resolve()
    await this.#running
    this.#settled.resolve()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers()
      try {
        await this.#pauseAfterFailure()
        const page = await this.#waiting.take(this.#options.task.pageSize)
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
      await this.#options.task.finish?.()
      this.#settled.resolve()
      this.#settled = Promise.withResolvers()
    }
    await Promise.race([this.#wake.promise, ...this.#pages])
  }

  async #lookAgain(): Promise<void> {
    if (!this.complete) return
    try {
      await this.#waiting.refill()
    } catch {
      // A database that is away is asked again at the next turn.
    }
    if (!this.complete) this.#wake.resolve()
  }

  #begin(page: AssetRow[]): void {
    const work = this.#index(page)
      .then(
        ({ settled, deferred, givenUp }) => {
          this.#waiting.ack(settled, givenUp)
          this.#defer(deferred)
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

  #defer(assets: AssetRow[]): void {
    if (assets.length === 0) return
    this.#waiting.defer(assets)
    if (this.#stop.signal.aborted) return
    this.#recall ??= setTimeout(() => {
      this.#recall = null
      this.#waiting.recall()
      this.#wake.resolve()
    }, this.#options.recallMs)
  }

  /** The queue is full, the database is gone, the model does not load: none of it is the images' fault. */
  async #pauseAfterFailure(): Promise<void> {
    const error = this.#failure
    if (error === null) return
    this.#failure = null
    const { log, task } = this.#options
    if (this.#stop.signal.aborted) return
    const ms = error instanceof Overloaded ? error.retryAfterMs : this.#pauseMs
    if (error instanceof Overloaded) log.debug({ ...task.logFields, ms }, 'indexing makes room for callers')
    else {
      this.#pauseMs = Math.min(maxPauseMs, this.#pauseMs * 2)
      log.warn({ ...task.logFields, reason: (error as Error).message, ms }, 'indexing pauses')
    }
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  /** Computes and stores what no other server works on. */
  #index(page: AssetRow[]): Promise<PageOutcome> {
    const { task, leases, leaseMs } = this.#options
    const lease = { leases, kind: this.#kind, ms: leaseMs }
    return withLeases(
      page.map(({ id }) => id),
      lease,
      async (held) => {
        const [settled, deferred] = partition(page, ({ id }) => held.has(id))
        // Another server may have done some of them between the database's answer and the lease.
        const done = await task.done([...held])
        const givenUp = await this.#compute(settled.filter(({ id }) => !done.has(id)))
        return { settled, deferred, givenUp }
      },
    )
  }

  /** Returns the ids of those that got no result. */
  async #compute(assets: AssetRow[]): Promise<string[]> {
    const { task, absent, log } = this.#options
    const { images, missing, damaged } = await this.#read(assets)
    // No verdict: another server may have the file, and this one may get it again.
    if (missing.length > 0) await absent.report(missing)
    const results = images.length > 0 ? await task.run(images, this.#stop.signal) : []
    const good: { asset: AssetRow; result: unknown }[] = []
    const bad = damaged
    for (const [n, result] of results.entries()) {
      const { asset } = images[n]!
      if (result instanceof ItemError) bad.push({ asset, reason: result.message })
      else good.push({ asset, result })
    }
    await task.put(good)
    for (const { asset, reason } of bad) {
      log.warn({ asset: asset.id, ...task.logFields, reason }, 'an image cannot be indexed')
      await task.fail(asset, reason)
    }
    return [...missing, ...bad.map(({ asset }) => asset)].map(({ id }) => id)
  }

  async #read(assets: AssetRow[]): Promise<ReadImages> {
    const { files } = this.#options
    const read: ReadImages = { images: [], missing: [], damaged: [] }
    const contents = await Promise.all(assets.map((asset) => files.read(asset).catch(itemErrorOf)))
    for (const [n, bytes] of contents.entries()) {
      const asset = assets[n]!
      if (bytes instanceof ItemError) read.damaged.push({ asset, reason: bytes.message })
      else if (bytes) read.images.push({ asset, bytes })
      else read.missing.push(asset)
    }
    return read
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const groups = Object.groupBy(items, (item) => (test(item) ? 'yes' : 'no'))
  return [groups.yes ?? [], groups.no ?? []]
}

function itemErrorOf(error: unknown): ItemError {
  if (error instanceof ItemError) return error
  throw error
}
