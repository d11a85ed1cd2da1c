/** What the encoder's threads say to each other. A session gives the embeddings of a batch, row-major, not normalised. */

import type { ImageLimits } from '../images/open.ts'
import type { ImageSpec, ModelFiles } from '../registry/spec.ts'
import type { Provider } from './encoder.ts'

export interface SessionSettings {
  tower: 'vision' | 'text'
  files: ModelFiles
  provider: Provider
  image: ImageSpec
  maxTokens: number
  padId: number
  threads: number
  /** Shared by all sessions whose provider serves one thread at a time. */
  deviceLock: SharedArrayBuffer
}

export type SessionInput =
  | { kind: 'pixels'; pixels: Uint8Array[] }
  | { kind: 'tokens'; rows: number[][]; length: number }

/** Said once the session is there. */
export interface SessionReady {
  dimensions: number
  /** Whether a batch of short texts may be padded to its own length. */
  shortTexts: boolean
}

export type SessionRequest<Input> = { id: number; input: Input }
export type SessionReply<Output, Ready> =
  | { id: number; output: Output; seconds: number }
  | { id: number; error: string }
  | { ready: Ready }
  | { failed: string }

export interface DecodeRequest {
  id: number
  bytes: Uint8Array
  image: ImageSpec
  limits: ImageLimits
}
export type DecodeReply = { id: number } & (
  | { pixels: Uint8Array }
  | { item: { code: string; message: string } }
  | { error: string }
)
