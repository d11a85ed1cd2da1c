import type { Plugin } from 'graphql-yoga'
import { DeadlineExceeded } from '../../workers/errors.ts'

/** The part of a request's context that ends it. */
export interface Deadline {
  signal: AbortSignal
  remainingMs(): number
  /** Drops work that has not begun. */
  abort(reason: unknown): void
}

/** @param caller fires when the connection is gone */
export function createDeadline(totalMs: number, caller: AbortSignal): Deadline {
  const begun = performance.now()
  const controller = new AbortController()
  const abort = (reason: unknown) => controller.abort(reason)
  if (caller.aborted) abort(caller.reason)
  else caller.addEventListener('abort', () => abort(caller.reason), { once: true })
  return {
    signal: controller.signal,
    abort,
    remainingMs: () => Math.max(1, totalMs - (performance.now() - begun)),
  }
}

/** Answers DEADLINE_EXCEEDED when the time is over, whatever a resolver is waiting for. */
export function useDeadline(totalMs: number): Plugin<{ deadline: Deadline }> {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args) => {
        const { deadline } = args.contextValue as { deadline: Deadline }
        let timer: NodeJS.Timeout | undefined
        const over = new Promise((resolve) => {
          timer = setTimeout(() => {
            const error = DeadlineExceeded.after(totalMs)
            deadline.abort(error)
            resolve({ errors: [error] })
          }, deadline.remainingMs())
        })
        return Promise.race([executeFn(args), over]).finally(() => clearTimeout(timer))
      })
    },
  }
}
