import type { Prisma, PrismaClient } from './client/client.ts'
import { translated } from './errors.ts'
import { newRunId } from './ids.ts'
import type { NewRun, RunProgress, RunRow, RunStatus, Runs, UnfinishedRun } from './types.ts'

/** The start and the state are large, and only the run itself reads them. */
const omit = { start: true, state: true, input: true, updatedAt: true } as const

/** The rows of guidance runs. */
export class PrismaRuns implements Runs {
  readonly #client: PrismaClient

  constructor(client: PrismaClient) {
    this.#client = client
  }

  create({ start, input, ...run }: NewRun): Promise<RunRow> {
    const data = {
      id: newRunId(),
      ...run,
      input: input as Prisma.InputJsonObject,
      start: start && bytes(start),
    }
    return translated(() => this.#client.guidanceRun.create({ data, omit }))
  }

  get(id: string): Promise<RunRow | null> {
    return translated(() => this.#client.guidanceRun.findUnique({ where: { id }, omit }))
  }

  unfinished(): Promise<UnfinishedRun[]> {
    return translated(async () => {
      const rows = await this.#client.guidanceRun.findMany({
        where: { status: { in: ['QUEUED', 'RUNNING'] } },
        orderBy: { id: 'asc' },
      })
      return rows.map((row) => ({ ...row, input: row.input as Record<string, unknown> }))
    })
  }

  countUnfinished(): Promise<number> {
    return translated(() =>
      this.#client.guidanceRun.count({ where: { status: { in: ['QUEUED', 'RUNNING'] } } }),
    )
  }

  save(id: string, { state, preview, ...progress }: RunProgress): Promise<void> {
    const data = { ...progress, state: bytes(state), preview: bytes(preview) }
    // A run that was stopped meanwhile stays so.
    const where = { id, status: { in: ['QUEUED', 'RUNNING'] satisfies RunStatus[] } }
    return translated(async () => void (await this.#client.guidanceRun.updateMany({ where, data })))
  }

  end(
    id: string,
    status: 'DONE' | 'STOPPED' | 'FAILED',
    error: string | null = null,
  ): Promise<RunRow | null> {
    return translated(async () => {
      // Nothing goes on from a run that is over.
      await this.#client.guidanceRun.updateMany({
        where: { id, status: { in: ['QUEUED', 'RUNNING'] } },
        data: { status, error, state: null },
      })
      return this.#client.guidanceRun.findUnique({ where: { id }, omit })
    })
  }
}

const bytes = (from: Uint8Array) => Uint8Array.from(from)
