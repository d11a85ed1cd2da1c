import type pg from 'pg'
import type {
  HeldRun,
  NewRun,
  RequestKey,
  RunEnd,
  RunFrame,
  RunPage,
  RunPageRequest,
  RunRow,
  RunStatus,
  RunStore,
  SavedRun,
} from '../workers/drawing/runs/run-store.ts'
import { DatabaseBusy, DatabaseUnavailable, DiskFull, mapDriverErrors } from './errors.ts'
import type { Prisma, PrismaClient } from './generated/client.ts'
import { newRunId } from './ids.ts'
import { PgLeases } from './leases.ts'

/** How long a request's key is known. */
const keptFor = '24 hours'

/** The kind of a run's lease. */
const kind = 'run'

/** The start and the state are large, and only the run itself reads them. */
const omit = { start: true, state: true, input: true, stopRequested: true, updatedAt: true } as const

/** The columns that are left. */
const rowColumns = `r."id", r."status", r."generator", r."step", r."steps", r."loss", r."preview", r."previewWidth",
  r."previewHeight", r."svg", r."error", r."createdAt"`

const isOpen = `(r."status" IN ('QUEUED', 'RUNNING'))`

/**
 * True while $2 holds the lease of run $1. The lease's row is locked, so that another server's claim waits until the
 * write has been committed, and then sees it.
 */
const held = `WITH held AS (
  SELECT FROM "Lease" WHERE "kind" = '${kind}' AND "id" = $1 AND "owner" = $2 FOR SHARE)`

/** The rows of drawings, and who works at them. */
export class PrismaRuns implements RunStore {
  readonly #client: PrismaClient
  readonly #pool: pg.Pool
  readonly #owner: string
  readonly #leases: PgLeases

  /** `owner`: this server's id; see server-id.ts. */
  constructor(client: PrismaClient, pool: pg.Pool, owner: string) {
    this.#client = client
    this.#pool = pool
    this.#owner = owner
    this.#leases = new PgLeases(pool, owner)
  }

  isTransient(error: unknown): boolean {
    return [DatabaseBusy, DatabaseUnavailable, DiskFull].some((kind) => error instanceof kind)
  }

  async create({ start, input, ...run }: NewRun, key: RequestKey | null = null): Promise<RunRow | null> {
    const data = {
      id: newRunId(),
      ...run,
      input: input as Prisma.InputJsonObject,
      start: start && Uint8Array.from(start),
    }
    if (!key) return mapDriverErrors(() => this.#client.guidanceRun.create({ data, omit }))
    await this.forgetKeys()
    // Of two at once one waits for the other's row, and then finds it taken.
    const [row] = await this.#query<RunRow>(
      `WITH taken AS (
         INSERT INTO "IdempotencyKey" ("caller", "key", "digest", "runId") VALUES ($1, $2, $3, $4)
         ON CONFLICT ("caller", "key") DO NOTHING RETURNING "runId")
       INSERT INTO "GuidanceRun" AS r ("id", "generator", "steps", "input", "start")
       SELECT "runId", $5, $6, $7::jsonb, $8 FROM taken RETURNING ${rowColumns}`,
      [key.caller, key.key, key.digest, data.id, run.generator, run.steps, JSON.stringify(input), data.start],
    )
    return row ?? null
  }

  async startedWith({ caller, key }: RequestKey): Promise<{ id: string; digest: string } | null> {
    const [row] = await this.#query<{ id: string; digest: string }>(
      `SELECT "runId" AS id, "digest" FROM "IdempotencyKey"
       WHERE "caller" = $1 AND "key" = $2 AND "createdAt" > now() - interval '${keptFor}'`,
      [caller, key],
    )
    return row ?? null
  }

  /** Removes keys that have had their time. */
  async forgetKeys(): Promise<void> {
    await this.#query(`DELETE FROM "IdempotencyKey" WHERE "createdAt" <= now() - interval '${keptFor}'`, [])
  }

  get(id: string): Promise<RunRow | null> {
    return mapDriverErrors(() => this.#client.guidanceRun.findUnique({ where: { id }, omit }))
  }

  page({ status, first, after }: RunPageRequest): Promise<RunPage> {
    return mapDriverErrors(async () => {
      const where = { ...statusIn(status), ...(after === null ? {} : { id: { lt: after } }) }
      const rows = await this.#client.guidanceRun.findMany({
        ...{ where, omit, take: first + 1 },
        orderBy: { id: 'desc' },
      })
      return { rows: rows.slice(0, first), hasNextPage: rows.length > first }
    })
  }

  count(statuses: readonly RunStatus[] | null): Promise<number> {
    return mapDriverErrors(() => this.#client.guidanceRun.count({ where: statusIn(statuses) }))
  }

  async delete(ids: readonly string[]): Promise<string[]> {
    const rows = await this.#query<{ id: string }>(
      `DELETE FROM "GuidanceRun" r WHERE r."id" = ANY($1::text[]) AND NOT ${isOpen} RETURNING r."id"`,
      [ids],
    )
    return rows.map(({ id }) => id)
  }

  load(id: string): Promise<SavedRun | null> {
    return mapDriverErrors(async () => {
      const row = await this.#client.guidanceRun.findUnique({ where: { id } })
      return row && { ...row, input: row.input as Record<string, unknown> }
    })
  }

  async free(): Promise<string[]> {
    const rows = await this.#query<{ id: string }>(
      `SELECT r."id" FROM "GuidanceRun" r LEFT JOIN "Lease" l ON l."kind" = '${kind}' AND l."id" = r."id"
       WHERE ${isOpen} AND (l."id" IS NULL OR l."owner" = $1 OR l."expiresAt" < now()) ORDER BY r."id"`,
      [this.#owner],
    )
    return rows.map(({ id }) => id)
  }

  async claim(id: string, ms: number): Promise<boolean> {
    return (await this.#leases.claim(kind, [id], ms)).length > 0
  }

  async renew(id: string, ms: number): Promise<HeldRun | null> {
    if ((await this.#leases.renew(kind, [id], ms)).length === 0) return null
    const [row] = await this.#query<HeldRun>('SELECT "stopRequested" FROM "GuidanceRun" WHERE "id" = $1', [
      id,
    ])
    return row ?? null
  }

  release(id: string): Promise<void> {
    return this.#leases.release(kind, [id])
  }

  async save(id: string, { state, ...frame }: RunFrame & { state: Uint8Array }): Promise<HeldRun | null> {
    const [row] = await this.#query<HeldRun>(
      `${held} UPDATE "GuidanceRun" r SET "status" = 'RUNNING', "step" = $3, "loss" = $4, "preview" = $5,
         "previewWidth" = $6, "previewHeight" = $7, "svg" = $8, "state" = $9, "updatedAt" = now()
       WHERE r."id" = $1 AND ${isOpen} AND EXISTS (SELECT FROM held) RETURNING r."stopRequested"`,
      [id, this.#owner, ...frameValues(frame), state],
    )
    return row ?? null
  }

  async end(id: string, { status, error }: RunEnd, frame?: RunFrame): Promise<RunRow | null> {
    const frameColumns = `"step" = $5, "loss" = $6, "preview" = $7, "previewWidth" = $8, "previewHeight" = $9,
      "svg" = $10,`
    // Nothing goes on from a run that is over: its start and state go.
    const [row] = await this.#query<RunRow>(
      `${held} UPDATE "GuidanceRun" r SET ${frame ? frameColumns : ''} "status" = $3::"RunStatus", "error" = $4,
         "start" = NULL, "state" = NULL, "updatedAt" = now()
       WHERE r."id" = $1 AND ${isOpen} AND EXISTS (SELECT FROM held) RETURNING ${rowColumns}`,
      [id, this.#owner, status, error, ...(frame ? frameValues(frame) : [])],
    )
    return row ?? null
  }

  async requestStop(id: string): Promise<void> {
    await this.#query(
      `UPDATE "GuidanceRun" r SET "stopRequested" = true, "updatedAt" = now() WHERE r."id" = $1 AND ${isOpen}`,
      [id],
    )
  }

  async #query<Row extends object>(sql: string, values: unknown[]): Promise<Row[]> {
    return (await mapDriverErrors(() => this.#pool.query<Row & pg.QueryResultRow>(sql, values))).rows
  }
}

const statusIn = (statuses: readonly RunStatus[] | null) =>
  statuses === null ? {} : { status: { in: [...statuses] } }

const frameValues = ({ step, loss, preview, previewWidth, previewHeight, svg }: RunFrame) => [
  step,
  loss,
  preview,
  previewWidth,
  previewHeight,
  svg,
]
