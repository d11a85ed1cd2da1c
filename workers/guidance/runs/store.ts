/** What runs ask of the database, which keeps them over restarts. */
import type { GeneratorName } from './painter.ts'

export type RunStatus = 'QUEUED' | 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED'

export interface RunRow {
  id: string
  status: RunStatus
  generator: GeneratorName
  step: number
  steps: number
  loss: number | null
  preview: Uint8Array | null
  previewWidth: number
  previewHeight: number
  svg: string | null
  error: string | null
  createdAt: Date
}

export interface SavedRun extends RunRow {
  input: Record<string, unknown>
  start: Uint8Array | null
  state: Uint8Array | null
}

export interface RunStore {
  create(run: Pick<SavedRun, 'generator' | 'steps' | 'input' | 'start'>): Promise<RunRow>
  get(id: string): Promise<RunRow | null>
  unfinished(): Promise<SavedRun[]>
  countUnfinished(): Promise<number>
  save(
    id: string,
    progress: {
      status: 'RUNNING' | 'DONE'
      step: number
      loss: number
      state: Uint8Array
      preview: Uint8Array
      previewWidth: number
      previewHeight: number
      svg: string | null
    },
  ): Promise<void>
  end(id: string, status: 'DONE' | 'STOPPED' | 'FAILED', error?: string | null): Promise<RunRow | null>
}
