/** Calls that outlast the failures of what they call, such as a database that is started again. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface RetryOptions {
  /** Ends the pauses, with the last error. */
  signal: AbortSignal
  /** Whether the same call may work later. */
  isTransient(error: unknown): boolean
  onPause?(error: unknown, ms: number): void
}

const firstPauseMs = 250
const maxPauseMs = 5_000

/** Repeats a call with growing pauses until it works. @throws its first error that is not transient */
export async function withRetries<T>(
  call: () => Promise<T>,
  { signal, isTransient, onPause }: RetryOptions,
): Promise<T> {
  for (let ms = firstPauseMs; ; ms = Math.min(maxPauseMs, ms * 2)) {
    try {
      return await call()
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error
      onPause?.(error, ms)
      await sleep(ms, undefined, { signal }).catch(() => {
        throw error
      })
    }
  }
}
