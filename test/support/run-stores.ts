/** The run stores of several servers on one database, as each would open its own. */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { startEmbedded } from '../../prisma/embedded/start.ts'
import { PrismaClient } from '../../prisma/generated/client.ts'
import { PrismaRuns } from '../../prisma/runs.ts'
import type { HeldRun, RunFrame } from '../../workers/drawing/runs/run-store.ts'
import { testPlace } from './database.ts'

export interface RunStores {
  pool: pg.Pool
  /** The store of the server with this id. */
  open(owner: string): RecordingRuns
  close(): Promise<void>
}

export async function runStores(): Promise<RunStores> {
  const place = await testPlace()
  const embedded = place.url ? null : await startEmbedded(place)
  const pool = new pg.Pool(embedded?.connection ?? { connectionString: place.url! })
  const client = new PrismaClient({ adapter: new PrismaPg(pool) })
  return {
    pool,
    open: (owner) => new RecordingRuns(client, pool, owner),
    async close() {
      await client.$disconnect()
      await pool.end()
      await embedded?.close()
      await place.remove()
    },
  }
}

/** Remembers the steps that it stored, and can stand still as a server whose machine does. */
export class RecordingRuns extends PrismaRuns {
  readonly saved: { id: string; step: number }[] = []
  #thawed = Promise.withResolvers<void>()

  constructor(client: PrismaClient, pool: pg.Pool, owner: string) {
    super(client, pool, owner)
    this.thaw()
  }

  /** Saves and renewals wait from now on. */
  freeze(): void {
    this.#thawed = Promise.withResolvers()
  }

  thaw(): void {
    this.#thawed.resolve()
  }

  override async save(id: string, progress: RunFrame & { state: Uint8Array }): Promise<HeldRun | null> {
    await this.#thawed.promise
    const held = await super.save(id, progress)
    if (held) this.saved.push({ id, step: progress.step })
    return held
  }

  override async renew(id: string, ms: number): Promise<HeldRun | null> {
    await this.#thawed.promise
    return super.renew(id, ms)
  }

  stepsOf(id: string): number[] {
    return this.saved.filter((save) => save.id === id).map(({ step }) => step)
  }
}
