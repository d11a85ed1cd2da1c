import type pg from 'pg'

/** How old a count may be, in ms: it only chooses a plan. */
const countAge = 10_000
/** How old "nothing is missing" may be: another server on the same database may add images too. */
const completeAge = 2_000

/** Counts over the whole table that searches need, remembered for a moment. */
export class LibraryStats {
  readonly #pool: pg.Pool
  readonly #counts = new Map<string, { rows: number; at: number; renewing: boolean }>()
  readonly #complete = new Map<string, { at: number; version: number }>()
  #version = 0

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  changed() {
    this.#version++
  }

  /** About how many vectors a revision has. An old number is answered at once and renewed behind. */
  async rows(revision: string): Promise<number> {
    const known = this.#counts.get(revision)
    if (!known) return this.#count(revision)
    if (Date.now() - known.at > countAge && !known.renewing) {
      known.renewing = true
      this.#count(revision).catch(() => {
        known.renewing = false
      })
    }
    return known.rows
  }

  async #count(revision: string): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM "AssetVector" WHERE "revision" = $1',
      [revision],
    )
    const count = rows[0]!.count
    this.#counts.set(revision, { rows: count, at: Date.now(), renewing: false })
    return count
  }

  /** Whether every asset that has not failed has its vector. */
  async complete(revision: string): Promise<boolean> {
    const known = this.#complete.get(revision)
    if (known?.version !== this.#version) return this.#query(revision)
    if (Date.now() - known.at > completeAge) {
      known.at = Date.now()
      this.#query(revision).catch(() => this.#complete.delete(revision))
    }
    return true
  }

  async #query(revision: string): Promise<boolean> {
    const version = this.#version
    // Pending ones first: the index on status finds one at once while an import runs.
    const { rows } = await this.#pool.query<{ missing: boolean }>(
      `SELECT CASE WHEN EXISTS (
         SELECT 1 FROM "Asset" a WHERE a."status" = 'PENDING'
         AND NOT EXISTS (SELECT 1 FROM "AssetVector" s WHERE s."assetId" = a."id" AND s."revision" = $1)
       ) THEN TRUE ELSE EXISTS (
         SELECT 1 FROM "Asset" a WHERE a."status" = 'READY'
         AND NOT EXISTS (SELECT 1 FROM "AssetVector" s WHERE s."assetId" = a."id" AND s."revision" = $1)
       ) END AS missing`,
      [revision],
    )
    const complete = !rows[0]!.missing
    if (complete) this.#complete.set(revision, { at: Date.now(), version })
    else this.#complete.delete(revision)
    return complete
  }
}
