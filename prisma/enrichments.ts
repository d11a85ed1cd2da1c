import type pg from 'pg'
import { assetColumns } from './asset-columns.ts'
import { mapDriverErrors } from './errors.ts'
import type { AssetRow, EnrichmentOutcome, Enrichments, Progress } from './types.ts'

/** The table "Enrichment": one row for each asset, enricher and revision. */
export class PgEnrichments implements Enrichments {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async missing(
    enricher: string,
    revision: string,
    limit: number,
    after: string | null = null,
  ): Promise<AssetRow[]> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<AssetRow>(
        `SELECT ${assetColumns} FROM "Asset" a WHERE ($4::text IS NULL OR a."id" > $4)
         AND NOT EXISTS (SELECT 1 FROM "Enrichment" e
           WHERE e."assetId" = a."id" AND e."enricher" = $1 AND e."revision" = $2)
         ORDER BY a."id" LIMIT $3`,
        [enricher, revision, limit, after],
      ),
    )
    return rows
  }

  async put(enricher: string, revision: string, outcomes: readonly EnrichmentOutcome[]): Promise<void> {
    if (outcomes.length === 0) return
    // The last one of an asset counts; a statement may not touch a row twice.
    const latest = [...new Map(outcomes.map((outcome) => [outcome.assetId, outcome])).values()]
    const ids = latest.map(({ assetId }) => assetId)
    const results = latest.map((outcome) => ('result' in outcome ? JSON.stringify(outcome.result) : null))
    const errors = latest.map((outcome) => ('error' in outcome ? outcome.error : null))
    await mapDriverErrors(() =>
      this.#pool.query(
        `INSERT INTO "Enrichment" ("assetId", "enricher", "revision", "result", "error")
         SELECT g."id", $1, $2, g.outcome::jsonb, g.reason
         FROM unnest($3::text[], $4::text[], $5::text[]) AS g("id", outcome, reason)
         JOIN "Asset" a ON a."id" = g."id" ORDER BY g."id"
         ON CONFLICT ("assetId", "enricher", "revision")
         DO UPDATE SET "result" = EXCLUDED."result", "error" = EXCLUDED."error", "createdAt" = now()`,
        [enricher, revision, ids, results, errors],
      ),
    )
  }

  async get(enricher: string, revision: string, assetIds: readonly string[]): Promise<Map<string, unknown>> {
    if (assetIds.length === 0) return new Map()
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ assetId: string; result: unknown }>(
        `SELECT "assetId", "result" FROM "Enrichment"
         WHERE "enricher" = $1 AND "revision" = $2 AND "assetId" = ANY($3::text[]) AND "error" IS NULL`,
        [enricher, revision, assetIds],
      ),
    )
    return new Map(rows.map(({ assetId, result }) => [assetId, result]))
  }

  async progress(enricher: string, revision: string): Promise<Progress> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<Progress>(
        `SELECT count(*)::int AS done, count("error")::int AS failed, (SELECT count(*)::int FROM "Asset") AS total
         FROM "Enrichment" WHERE "enricher" = $1 AND "revision" = $2`,
        [enricher, revision],
      ),
    )
    return rows[0]!
  }

  async prune(enricher: string, revision: string): Promise<void> {
    await mapDriverErrors(() =>
      this.#pool.query('DELETE FROM "Enrichment" WHERE "enricher" = $1 AND "revision" <> $2', [
        enricher,
        revision,
      ]),
    )
  }
}
