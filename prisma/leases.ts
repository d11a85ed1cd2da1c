import type pg from 'pg'
import { mapDriverErrors } from './errors.ts'
import type { Leases } from './types.ts'

/** Leases that expired this long ago belong to work that is gone. */
const forgottenAfter = '1 day'

export class PgLeases implements Leases {
  readonly #pool: pg.Pool
  readonly #owner: string

  /** `owner`: this server's id; see server-id.ts. */
  constructor(pool: pg.Pool, owner: string) {
    this.#pool = pool
    this.#owner = owner
  }

  async claim(kind: string, ids: readonly string[], ms: number): Promise<string[]> {
    if (ids.length === 0) return []
    // Sorted, so that two servers never wait for each other's rows.
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ id: string }>(
        `INSERT INTO "Lease" AS l ("kind", "id", "owner", "expiresAt")
         SELECT $1, id, $3, now() + $4 * interval '1 ms' FROM unnest($2::text[]) AS ids(id)
         ON CONFLICT ("kind", "id") DO UPDATE SET "owner" = EXCLUDED."owner", "expiresAt" = EXCLUDED."expiresAt"
         WHERE l."owner" = EXCLUDED."owner" OR l."expiresAt" < now()
         RETURNING "id"`,
        [kind, [...new Set(ids)].sort(), this.#owner, ms],
      ),
    )
    return rows.map(({ id }) => id)
  }

  async renew(kind: string, ids: readonly string[], ms: number): Promise<string[]> {
    if (ids.length === 0) return []
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ id: string }>(
        `UPDATE "Lease" SET "expiresAt" = now() + $4 * interval '1 ms'
         WHERE "kind" = $1 AND "id" = ANY($2::text[]) AND "owner" = $3 RETURNING "id"`,
        [kind, ids, this.#owner, ms],
      ),
    )
    return rows.map(({ id }) => id)
  }

  async release(kind: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await mapDriverErrors(() =>
      this.#pool.query('DELETE FROM "Lease" WHERE "kind" = $1 AND "id" = ANY($2::text[]) AND "owner" = $3', [
        kind,
        ids,
        this.#owner,
      ]),
    )
  }

  /** Removes leases that nobody will ever release. */
  async forgetExpired(): Promise<void> {
    await mapDriverErrors(() =>
      this.#pool.query(`DELETE FROM "Lease" WHERE "expiresAt" < now() - interval '${forgottenAfter}'`),
    )
  }
}
