import { mapDriverErrors } from './errors.ts'
import type { Prisma, PrismaClient } from './generated/client.ts'
import { newRunId } from './ids.ts'
import type { NewRun, RunEnd, RunFrame, RunRow, RunStatus, Runs, SavedRun } from './types.ts'

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
    return mapDriverErrors(() => this.#client.guidanceRun.create({ data, omit }))
  }

  get(id: string): Promise<RunRow | null> {
    return mapDriverErrors(() => this.#client.guidanceRun.findUnique({ where: { id }, omit }))
  }

  load(id: string): Promise<SavedRun | null> {
    return mapDriverErrors(async () => {
      const row = await this.#client.guidanceRun.findUnique({ where: { id } })
      return row && { ...row, input: row.input as Record<string, unknown> }
    })
  }

  unfinished(): Promise<RunRow[]> {
    return mapDriverErrors(() =>
      this.#client.guidanceRun.findMany({ where: { status: open }, orderBy: { id: 'asc' }, omit }),
    )
  }

  save(id: string, { state, ...frame }: RunFrame & { state: Uint8Array }): Promise<void> {
    const data = { status: 'RUNNING' as const, ...columns(frame), state: bytes(state) }
    return mapDriverErrors(
      async () => void (await this.#client.guidanceRun.updateMany({ where: { id, status: open }, data })),
    )
  }

  end(id: string, end: RunEnd, frame?: RunFrame): Promise<RunRow | null> {
    // Nothing goes on from a run that is over.
    const data = { ...end, ...(frame && columns(frame)), start: null, state: null }
    return mapDriverErrors(async () => {
      await this.#client.guidanceRun.updateMany({ where: { id, status: open }, data })
      return this.#client.guidanceRun.findUnique({ where: { id }, omit })
    })
  }
}

/** A run that was stopped meanwhile stays so. */
const open = { in: ['QUEUED', 'RUNNING'] satisfies RunStatus[] }
const columns = ({ preview, ...frame }: RunFrame) => ({ ...frame, preview: bytes(preview) })
const bytes = (from: Uint8Array) => Uint8Array.from(from)
