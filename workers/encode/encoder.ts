import type { ItemError } from '../errors.ts'
import type { QueueUser } from '../runtime/occupancy.ts'
import type { Priority } from '../runtime/queue.ts'
import type { StageSeconds } from '../runtime/stages.ts'

/** Kinds of inputs: an image goes through the vision tower, a text through the text tower. */
export type Modality = 'image' | 'text'

export type EncodeInput =
  | { text: string }
  /** A whole image file in any readable format. A caller that has the `contentHash` saves the encoder hashing. */
  | { image: Uint8Array; contentHash?: string }

export interface EncodeOptions {
  /** Model name; the default model when absent. */
  model?: string | null
  /** `interactive`, the default, goes before `bulk`. Waiting work ages, so neither starves. */
  priority?: Priority
  /** Milliseconds from now; the encoder's default when absent. */
  deadlineMs?: number
  /** When it fires, the encoder drops work that has not begun. */
  signal?: AbortSignal
  /** Whose work it is: it fills the caller's share of the queue at most. */
  caller?: QueueUser
  /** Called before the answer, once for each input that was encoded for it; cached inputs have no stages. */
  onStages?(seconds: StageSeconds): void
}

export interface Encoded {
  /** L2-normalised, of the length in the model's card. Shared with the cache: never write to it. */
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
 * Turns texts and images into vectors. The one interface between the API and the models: in this process today, on a
 * fleet of workers tomorrow.
 */
export interface Encoder {
  /**
   * One result per input, in order. A bad input is an ItemError in its place and never fails the others.
   * Admission is all or nothing: the encoder takes every input, or throws Overloaded at once and takes none.
   * @throws ModelNotFound, ModelFolderError, Overloaded, DeadlineExceeded; the signal's reason when aborted
   */
  encode(inputs: readonly EncodeInput[], options?: EncodeOptions): Promise<(Encoded | ItemError)[]>
  /** Encodes one text and one image with the default model. Rejects when that fails. */
  ready(): Promise<void>
  stats(): EncoderStats
  close(): Promise<void>
}
