/** Messages between the encoder and the threads that host its sessions. A session gives the embeddings of a batch, row-major, not normalised. */

import type { ImageSpec } from '../images/image-spec.ts'
import type { ModelFiles, Tower } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'

export interface SessionSettings {
  tower: Tower
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
