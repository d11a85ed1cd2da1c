import type { AssetRow } from '../../prisma/types.ts'

/** Assets that lack their vector, by id, from after `after`. */
type Missing = (limit: number, after: string | null) => Promise<AssetRow[]>

const mostHeld = 4096
const swept = 512

/**
 * The assets that wait for one model. New ones are held in memory; those of earlier, and those there was no room for,
 * are swept up from the database, which alone knows them for sure. None is handed out twice at a time.
 */
export class IndexQueue {
  readonly #missing: Missing
  readonly #held: AssetRow[] = []
  /** Ids that are held, handed out, or given up. */
  readonly #known = new Set<string>()
  /** Handed out and not yet back. */
  #out = 0
  /** Where the sweep stands; undefined when the database has nothing that is not held. */
  #sweep: { after: string | null } | undefined = { after: null }

  constructor(missing: Missing) {
    this.#missing = missing
  }

  /** Nothing waits and nothing is handed out. */
  get empty(): boolean {
    return this.#held.length === 0 && this.#out === 0 && this.#sweep === undefined
  }

  offer(asset: AssetRow): void {
    if (this.#held.length >= mostHeld) this.#sweep ??= { after: null }
    else this.#hold(asset)
  }

  /** At most `most` assets; none when nothing waits. */
  async take(most: number): Promise<AssetRow[]> {
    while (this.#held.length === 0 && this.#sweep) {
      const sweep = this.#sweep
      const rows = await this.#missing(swept, sweep.after)
      for (const row of rows) this.#hold(row)
      if (this.#sweep !== sweep) continue
      if (rows.length < swept) this.#sweep = undefined
      else sweep.after = rows.at(-1)!.id
    }
    const taken = this.#held.splice(0, most)
    this.#out += taken.length
    return taken
  }

  /** They have their vectors, but for those that cannot have one. */
  ack(assets: readonly AssetRow[], unencodable: readonly string[]): void {
    this.#out -= assets.length
    for (const { id } of assets) this.#known.delete(id)
    for (const id of unencodable) this.#known.add(id)
  }

  /** Their turn failed: they are asked of the database again, as some may be gone or done. */
  nack(assets: readonly AssetRow[]): void {
    this.#out -= assets.length
    for (const { id } of assets) this.#known.delete(id)
    this.#sweep = { after: null }
  }

  #hold(asset: AssetRow): void {
    if (this.#known.has(asset.id)) return
    this.#known.add(asset.id)
    this.#held.push(asset)
  }
}
