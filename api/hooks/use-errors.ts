import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga'
import type { Context } from '../../schema/core/context.ts'
import { toGraphQLError } from '../../schema/core/errors.ts'
import { DeadlineExceeded } from '../../workers/errors.ts'
import type { Log } from '../../workers/log.ts'
import { readsEventsOnly } from './use-request-form.ts'

/**
 * Only what schema/core/errors.ts lets through leaves the server; the rest is logged under the id that the caller gets. An
 * answer that holds data, or is a stream of events, has status 200 whatever its errors are.
 */
export function useErrors(log: Log): Plugin {
  const report = (err: unknown) => {
    const id = randomUUID()
    log.error({ err, id }, 'a request failed by a fault of the server')
    return id
  }
  const shown = <R extends ExecutionResult>(result: R): R =>
    result.errors?.length
      ? { ...result, errors: result.errors.map((error) => toGraphQLError(error, report)) }
      : result
  const statusless = <R extends ExecutionResult>(result: R): R =>
    result.errors?.length ? { ...result, errors: result.errors.map(withoutStatus) } : result
  return {
    onResultProcess({ request, result, setResult }) {
      // Nobody is there to read it, and being left is no fault.
      if (request.signal.aborted) return
      if (isAsyncIterable(result)) setResult(mapAsyncIterator(result, shown))
      else if (!Array.isArray(result)) {
        const told = shown(result)
        setResult(told.data != null || readsEventsOnly(request) ? statusless(told) : told)
      }
    },
  }
}

/** Yoga takes the status of an answer from its errors' `extensions.http`. */
function withoutStatus(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path } = error
  const { http, ...extensions } = error.extensions as { http?: { headers?: Record<string, string> } }
  return new GraphQLError(message, {
    ...{ nodes, source, positions, path },
    extensions: { ...extensions, http: { headers: http?.headers } },
  })
}

/** The part of a request's context that ends it. */
export interface Deadline {
  signal: AbortSignal
  remainingMs(): number
  /** Drops what has not begun. */
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
export function useDeadline(totalMs: number): Plugin<Context & { deadline: Deadline }> {
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
