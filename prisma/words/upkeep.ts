import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Leases, OpenDatabaseOptions } from '../types.ts'
import { countWords } from './recount.ts'
import { hasStaleWords, rewriteWords } from './rewrite.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface UpkeepOptions {
  pool: pg.Pool
  vocabulary: Vocabulary
  leases: Leases
  log?: OpenDatabaseOptions['log']
  /** How often it looks for work, in ms. */
  intervalMs?: number
}

/** Between two batches others have their turn. */
const pauseMs = 5
/** How long another server leaves the count to one that died. */
const leaseMs = 10 * 60_000
/** So many times the last count's own duration pass before the next one. */
const rest = 50

/** The words' work behind: those of older revisions are rewritten, and how often each word occurs is counted anew. */
export class WordsUpkeep {
  readonly #options: UpkeepOptions
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout
  #work: Promise<void> | null = null
  #changes = 0
  #counted = { assets: -1, at: 0, ms: 0 }
  #complete = true

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#begin(), options.intervalMs ?? 3000).unref()
    this.#begin()
  }

  /** To be called when an asset came, went or has other labels. */
  changed(): void {
    this.#changes++
  }

  /** Whether every asset's words are those of its labels, as far as this server knows. */
  get complete(): boolean {
    return this.#complete
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    await this.#work
    this.#begin(true)
    await this.#work
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await this.#work
  }

  #begin(now = false): void {
    this.#work ??= this.#run(now)
      .catch((error) => {
        // A database that is away is asked again at the next turn.
        if (!this.#stop.signal.aborted)
          this.#options.log?.info({ reason: (error as Error).message }, 'the words wait for the database')
      })
      .finally(() => {
        this.#work = null
      })
  }

  async #run(now: boolean): Promise<void> {
    await this.#rewrite()
    if (!this.#stop.signal.aborted && (now || (await this.#isDue()))) await this.#count()
  }

  async #rewrite(): Promise<void> {
    const { pool, vocabulary, log } = this.#options
    const begun = performance.now()
    let rewritten = 0
    while (!this.#stop.signal.aborted) {
      this.#complete = !(await hasStaleWords(pool))
      if (this.#complete) break
      const count = await rewriteWords(pool, (terms) => vocabulary.learn(terms))
      rewritten += count
      // The rest is in other servers' hands.
      if (count === 0) break
      await sleep(pauseMs)
    }
    if (rewritten > 0) {
      this.#changes += rewritten
      log?.info({ assets: rewritten, ms: Math.round(performance.now() - begun) }, 'wrote the words of assets')
    }
  }

  async #isDue(): Promise<boolean> {
    const { assets, at, ms } = this.#counted
    if (assets < 0) {
      this.#counted.assets = await this.#options.vocabulary.total()
      // What changed while no server counted, or another one did.
      this.#changes = Math.max(this.#changes, Math.abs(this.#counted.assets - (await this.#countAssets())))
    }
    return this.#changes > 0 && performance.now() - at >= rest * ms
  }

  async #countAssets(): Promise<number> {
    const { rows } = await this.#options.pool.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM "Asset"',
    )
    return rows[0]!.count
  }

  async #count(): Promise<void> {
    const { pool, vocabulary, leases, log } = this.#options
    const lease = ['count'] as const
    if ((await leases.claim('words', lease, leaseMs)).length === 0) return
    const changes = this.#changes
    const begun = performance.now()
    try {
      const counted = await countWords(pool, this.#stop.signal)
      if (!counted) return
      await vocabulary.renew(counted)
      const ms = performance.now() - begun
      this.#counted = { assets: counted.assets, at: performance.now(), ms }
      this.#changes -= changes
      if (ms > 1000)
        log?.info(
          { assets: counted.assets, words: counted.counts.size, ms: Math.round(ms) },
          'counted the words',
        )
    } finally {
      await leases.release('words', lease)
    }
  }
}
