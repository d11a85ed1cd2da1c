import type { AssetRow } from '../../prisma/types.ts'

/** Assets that lack their outcome, by id, from after `after`. */
type Missing = (limit: number, after: string | null) => Promise<AssetRow[]>

const maxHeld = 4096
const sweepSize = 512

/**
 * The assets that wait for one enricher. New ones are held in memory; a sweep of the database, which alone knows them
 * for sure, finds those of earlier and those there was no room for. None is handed out twice at a time.
 */
export class IndexQueue {
  readonly #missing: Missing
  readonly #held: AssetRow[] = []
  readonly #heldIds = new Set<string>()
  /** Handed out and not yet back; with a row where the asset was offered meanwhile. */
  readonly #out = new Map<string, AssetRow | null>()
  /** Not to be tried again unless they are offered. */
  readonly #givenUp = new Set<string>()
  /** Where the sweep stands; undefined when the database has nothing that is not held. */
  #sweep: { after: string | null } | undefined = { after: null }
  /** Whether other servers work on some of the assets, and whether it is time to see what became of them. */
  #deferred: 'none' | 'waiting' | 'due' = 'none'

  constructor(missing: Missing) {
    this.#missing = missing
  }

  /** Nothing waits and nothing is handed out. */
  get empty(): boolean {
    return (
      this.#held.length === 0 &&
      this.#out.size === 0 &&
      this.#sweep === undefined &&
      this.#deferred === 'none'
    )
  }

  /** An asset that is new, or is to be tried again. */
  offer(asset: AssetRow): void {
    this.#givenUp.delete(asset.id)
    if (this.#out.has(asset.id)) this.#out.set(asset.id, asset)
    else if (this.#held.length >= maxHeld) this.#sweep ??= { after: null }
    else this.#hold(asset)
  }

  /** Holds assets that the database calls missing and that this queue has not heard of: another server took them in and died. */
  async refill(): Promise<void> {
    let after: string | null = null
    for (;;) {
      const rows: AssetRow[] = await this.#missing(sweepSize, after)
      for (const row of rows)
        if (!this.#out.has(row.id) && !this.#givenUp.has(row.id) && this.#held.length < maxHeld)
          this.#hold(row)
      if (rows.length < sweepSize) return
      after = rows.at(-1)!.id
    }
  }

  /** At most `max` assets; none when nothing waits. */
  async take(max: number): Promise<AssetRow[]> {
    while (this.#held.length === 0) {
      if (!this.#sweep && this.#deferred === 'due') {
        this.#sweep = { after: null }
        this.#deferred = 'none'
      }
      if (!this.#sweep) break
      await this.#sweepOn(this.#sweep)
    }
    const taken = this.#held.splice(0, max)
    for (const { id } of taken) {
      this.#heldIds.delete(id)
      this.#out.set(id, null)
    }
    return taken
  }

  /** They have their outcome, or are given up. */
  ack(assets: readonly AssetRow[], givenUp: readonly string[]): void {
    for (const id of givenUp) this.#givenUp.add(id)
    this.#back(assets)
  }

  /** Other servers work on them: the next sweep after `recall` finds those that are still missing. */
  defer(assets: readonly AssetRow[]): void {
    if (assets.length === 0) return
    if (this.#deferred === 'none') this.#deferred = 'waiting'
    this.#back(assets)
  }

  /** Deferred assets may have lost their server. */
  recall(): void {
    if (this.#deferred === 'waiting') this.#deferred = 'due'
  }

  /** Their turn failed: a sweep finds those that are neither gone nor done. */
  nack(assets: readonly AssetRow[]): void {
    this.#back(assets)
    this.#sweep = { after: null }
  }

  async #sweepOn(sweep: { after: string | null }): Promise<void> {
    const rows = await this.#missing(sweepSize, sweep.after)
    for (const row of rows) if (!this.#givenUp.has(row.id)) this.#hold(row)
    // It was begun anew meanwhile.
    if (this.#sweep !== sweep) return
    if (rows.length < sweepSize) this.#sweep = undefined
    else sweep.after = rows.at(-1)!.id
  }

  #back(assets: readonly AssetRow[]): void {
    for (const { id } of assets) {
      const offered = this.#out.get(id)
      this.#out.delete(id)
      if (offered) this.offer(offered)
    }
  }

  #hold(asset: AssetRow): void {
    if (this.#heldIds.has(asset.id) || this.#out.has(asset.id)) return
    this.#heldIds.add(asset.id)
    this.#held.push(asset)
  }
}
