/**
 * The rows of drawings, as the runs that make them need it; prisma/runs.ts implements it. Several servers may share it: each
 * holds a lease on the run it works at, and only the holder's writes count.
 */

export type RunStatus = 'QUEUED' | 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED'

export interface RunRow {
  id: string
  status: RunStatus
  /** A generator's name, perhaps of another version of Limn. */
  generator: string
  step: number
  steps: number
  loss: number | null
  /** PNG. */
  preview: Uint8Array | null
  previewWidth: number
  previewHeight: number
  svg: string | null
  error: string | null
  createdAt: Date
}

export interface NewRun {
  generator: string
  steps: number
  /** JSON; see saved-request.ts. */
  input: Record<string, unknown>
  /** The image or SVG that it starts from. */
  start: Uint8Array | null
}

/** What a caller calls a request, so that the same one sent again starts no second run. */
export interface RequestKey {
  /** The caller's id. */
  caller: string
  key: string
  /** Tells the request's input from others. */
  digest: string
}

/** All that a run goes on from. */
export interface SavedRun extends RunRow, NewRun {
  /** The painter's checkpoint. */
  state: Uint8Array | null
  stopRequested: boolean
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

/** A run whose lease this server still holds. */
export interface HeldRun {
  stopRequested: boolean
}

export interface RunPageRequest {
  /** Only runs of these; null: all. */
  status: readonly RunStatus[] | null
  first: number
  /** Id of the run that the page begins after. */
  after: string | null
}

export interface RunPage {
  rows: RunRow[]
  hasNextPage: boolean
}

export interface RunStore {
  /** Whether the call that failed with this error may work later: the database is away, or has no room. */
  isTransient(error: unknown): boolean
  /** Null, and nothing stored, when the caller's key has started a run already. */
  create(run: NewRun, key?: RequestKey | null): Promise<RunRow | null>
  /** The run that this key of this caller has started, and the digest of that request; null where there is none. */
  startedWith(key: RequestKey): Promise<{ id: string; digest: string } | null>
  get(id: string): Promise<RunRow | null>
  /** Newest first. */
  page(request: RunPageRequest): Promise<RunPage>
  /** How many have one of these statuses; null: any. */
  count(statuses: readonly RunStatus[] | null): Promise<number>
  /** Deletes runs that are over; returns the ids of those that were there. */
  delete(ids: readonly string[]): Promise<string[]>
  load(id: string): Promise<SavedRun | null>
  /** Ids of QUEUED and RUNNING runs that no other server holds, the oldest first. */
  free(): Promise<string[]>
  /** Takes the run's lease for `ms` milliseconds; false when another server holds it. */
  claim(id: string, ms: number): Promise<boolean>
  /** Prolongs the lease; null when it is lost. */
  renew(id: string, ms: number): Promise<HeldRun | null>
  release(id: string): Promise<void>
  /** Stores a frame and its checkpoint at once; null, and nothing stored, when the lease is lost or the run is over. */
  save(id: string, progress: RunFrame & { state: Uint8Array }): Promise<HeldRun | null>
  /** Ends the run with its last frame; null, and nothing stored, when the lease is lost or the run is over. */
  end(id: string, end: RunEnd, frame?: RunFrame): Promise<RunRow | null>
  /** Asks whichever server holds the run to end it. */
  requestStop(id: string): Promise<void>
}

export const isOver = ({ status }: Pick<RunRow, 'status'>): boolean =>
  status !== 'QUEUED' && status !== 'RUNNING'
