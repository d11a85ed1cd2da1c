/** What runs ask of the database, which keeps them over restarts. */

export type RunStatus = 'QUEUED' | 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED'

export interface RunRow {
  id: string
  status: RunStatus
  generator: string
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

/** The image of a run at a step. */
export interface RunFrame {
  step: number
  loss: number
  /** PNG. */
  preview: Uint8Array
  previewWidth: number
  previewHeight: number
  svg: string | null
}

export interface RunEnd {
  status: 'DONE' | 'STOPPED' | 'FAILED'
  error: string | null
}

export interface RunStore {
  create(run: Pick<SavedRun, 'generator' | 'steps' | 'input' | 'start'>): Promise<RunRow>
  get(id: string): Promise<RunRow | null>
  load(id: string): Promise<SavedRun | null>
  unfinished(): Promise<RunRow[]>
  save(id: string, progress: RunFrame & { state: Uint8Array }): Promise<void>
  end(id: string, end: RunEnd, frame?: RunFrame): Promise<RunRow | null>
}
