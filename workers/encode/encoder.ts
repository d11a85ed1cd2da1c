import type { ItemError } from '../errors.ts'
import type { QueueUser } from '../runtime/occupancy.ts'
import type { Priority } from '../runtime/queue.ts'
import type { StageSeconds } from '../runtime/stages.ts'

/** What an input of an encoder is: the image goes through the vision tower, the text through the text tower. */
export type Modality = 'image' | 'text'

export type EncodeInput =
  | { text: string }
  /** A whole image file in any readable format. `contentHash`, when the caller has it, saves hashing again. */
  | { image: Uint8Array; contentHash?: string }

export interface EncodeOptions {
  /** Model name; the default model when absent. */
  model?: string | null
  /** Somebody waits (`interactive`, the default) or nobody does (`bulk`). Waiting work ages, so neither starves. */
  priority?: Priority
  /** Milliseconds from now; the encoder's default when absent. */
  deadlineMs?: number
  /** When it fires, work that has not begun is dropped. */
  signal?: AbortSignal
  /** Whose work it is: it fills the caller's share of the queue at most. */
  caller?: QueueUser
  /** Called before the answer, once for each input that was encoded for it; cached ones have no stages. */
  onStages?(seconds: StageSeconds): void
}

export interface Encoded {
  /** L2-normalised, as long as the model's card says. Shared with the cache: never write to it. */
  vector: Float32Array
  /** SHA-256, hex, of the image's bytes or of the text's UTF-8. */
  contentHash: string
}

export interface EncoderStats {
  /** Items admitted and not yet answered. */
  waiting: number
  limit: number
  /** Items encoded since start, cache hits not counted. */
  encoded: number
  batches: number
  cacheHits: number
  cacheMisses: number
}

/**
 * Turns texts and images into vectors. The one interface between the API and whatever runs the models: in this
 * process today, on a fleet of workers tomorrow.
 */
export interface Encoder {
  /**
   * One result per input, in order. A bad input is an ItemError in its place and never fails the others.
   * Admission is all or nothing: either every input is taken, or Overloaded is thrown at once and none is.
   * @throws ModelNotFound, ModelFolderError, Overloaded, DeadlineExceeded; the signal's reason when aborted
   */
  encode(inputs: readonly EncodeInput[], options?: EncodeOptions): Promise<(Encoded | ItemError)[]>
  /** Encodes one text and one image for real. Rejects when the default model does not work. */
  ready(): Promise<void>
  stats(): EncoderStats
  close(): Promise<void>
}
