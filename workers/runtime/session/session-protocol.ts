/** Messages between a {@link Session} and the thread that hosts it. */
import type { WireError } from '../wire-errors.ts'

export interface SessionRequest<Input> {
  id: number
  input: Input
}

export type SessionReply<Output, Ready> =
  | { ready: Ready }
  /** The session could not be loaded. */
  | { failed: WireError }
  | { id: number; output: Output; seconds: number }
  | { id: number; error: WireError }
