import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga'
import { toGraphQLError } from '../../schema/core/errors.ts'
import type { Log } from '../../workers/log.ts'
import { readsEventsOnly } from './use-request-form.ts'

/**
 * Shapes every error by schema/core/errors.ts; a fault of the server is logged, and the caller gets its id. An answer in
 * which a root field succeeded, or that is a stream of events, has status 200 whatever its errors are.
 */
export function useErrors(log: Log): Plugin {
  const report = (err: unknown) => {
    const id = randomUUID()
    log.error({ err, id }, 'request failed by a fault of the server')
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
      // Client disconnected: not an error.
      if (request.signal.aborted) return
      if (isAsyncIterable(result)) setResult(mapAsyncIterator(result, shown))
      else if (!Array.isArray(result)) {
        const answer = shown(result)
        setResult(hasAnswer(answer) || readsEventsOnly(request) ? statusless(answer) : answer)
      }
    },
  }
}

/** Whether a root field succeeded: the others are null and have an error each. */
function hasAnswer({ data, errors }: ExecutionResult): boolean {
  const failed = new Set(errors?.map(({ path }) => path?.[0]))
  return Object.entries(data ?? {}).some(([field, value]) => value !== null || !failed.has(field))
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
