import type pg from 'pg'

/** Statements after which their changes are added up. */
const sumUpAfter = 200
/** Rows of one statement, which is short: others write meanwhile. */
const rowsAtOnce = 20_000
/** The key of an advisory lock: one server adds up at a time. */
const lockKey = 5178

/**
 * Rows of other servers are left to them; whose rows are not seen yet stay. What is taken out is put in by the same
 * statement, so the sum of both tables is the same before and after.
 */
const sumUp = `
  WITH gone AS (
    DELETE FROM "AssetCountChange" WHERE "id" IN (SELECT "id" FROM "AssetCountChange" ORDER BY "id" LIMIT ${rowsAtOnce})
    RETURNING "facet", "key", "label", "count"
  ), summed AS (
    INSERT INTO "AssetCount" AS kept ("facet", "key", "label", "count")
    SELECT "facet", "key", "label", sum("count") FROM gone GROUP BY 1, 2, 3 HAVING sum("count") <> 0 ORDER BY 1, 2, 3
    ON CONFLICT ("facet", "key", "label") DO UPDATE SET "count" = kept."count" + EXCLUDED."count"
  )
  SELECT count(*)::int AS count FROM gone`

/** Adds up what triggers noted, so that a count has few rows to read. Nothing waits for it, and a failure costs time only. */
export class CountChanges {
  readonly #pool: pg.Pool
  #noted = sumUpAfter
  #work: Promise<void> | null = null
  #closed = false

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** A statement has changed assets. */
  noted(): void {
    if (++this.#noted < sumUpAfter || this.#work || this.#closed) return
    this.#noted = 0
    this.#work = this.sumUp()
      .catch(() => {})
      .finally(() => {
        this.#work = null
      })
  }

  async sumUp(): Promise<void> {
    while (!this.#closed && (await this.#sumUpSome()) === rowsAtOnce);
  }

  /** Returns how many rows there were; 0 where another server is at it. */
  async #sumUpSome(): Promise<number> {
    const client = await this.#pool.connect()
    try {
      await client.query('BEGIN')
      const { rows: locks } = await client.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_xact_lock(${lockKey}) AS locked`,
      )
      const { rows } = locks[0]!.locked ? await client.query<{ count: number }>(sumUp) : { rows: [] }
      if (rows.length > 0) await client.query('DELETE FROM "AssetCount" WHERE "count" = 0')
      await client.query('COMMIT')
      client.release()
      return rows[0]?.count ?? 0
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#work
  }
}
