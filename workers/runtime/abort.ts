import { DeadlineExceeded } from '../errors.ts'

/**
 * Waits for `work`, or rejects with the signal's reason as soon as the signal fires. The work itself goes on: whoever
 * does it looks at the signal too.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  // A signal fires once, and may have fired before.
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}

/** As {@link orAborted}, and at most `ms` milliseconds. @throws DeadlineExceeded, the signal's reason */
export async function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(() => expired.reject(DeadlineExceeded.after(ms)), ms)
  try {
    return await orAborted(Promise.race([work, expired.promise]), signal)
  } finally {
    clearTimeout(timer)
  }
}
