import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga'
import { toGraphQLError } from '../../schema/core/errors.ts'
import type { Log } from '../../workers/log.ts'
import { readsEventsOnly } from '../http/negotiate.ts'

/**
 * Shapes every error by schema/core/errors.ts; a fault of the server is logged, and the caller gets its id.
 *
 * The status follows the draft of GraphQL over HTTP: 200 for a request that was executed, whatever its errors are, and for
 * a stream of events. Where nothing came of the execution, two kinds of error keep their status, because proxies and
 * retrying clients act on it: those of the server (5xx) and refused access (401, 403).
 */
export function useErrors(log: Log): Plugin {
  const report = (err: unknown) => {
    const id = randomUUID()
    log.error({ err, id }, 'request failed by a fault of the server')
    return id
  }
  const graphQLError = (error: unknown) => toGraphQLError(error, report)
  const shown = <R extends ExecutionResult>(result: R): R =>
    result.errors?.length ? { ...result, errors: result.errors.map(graphQLError) } : result
  const statusless = <R extends ExecutionResult>(result: R): R =>
    result.errors?.length ? { ...result, errors: result.errors.map(withoutStatus) } : result
  return {
    onResultProcess({ request, result, setResult }) {
      // Client disconnected: not an error.
      if (request.signal.aborted) return
      if (isAsyncIterable(result)) setResult(mapAsyncIterator(result, shown))
      else if (!Array.isArray(result)) {
        const answer = shown(result)
        const executed = 'data' in answer && !answer.errors?.some(keepsStatus)
        const events = readsEventsOnly(request.headers.get('accept'))
        setResult(executed || hasAnswer(answer) || events ? statusless(answer) : answer)
      }
    },
  }
}

/** Whether a root field succeeded: the others are null and have an error each. */
function hasAnswer({ data, errors }: ExecutionResult): boolean {
  const failed = new Set(errors?.map(({ path }) => path?.[0]))
  return Object.entries(data ?? {}).some(([field, value]) => value !== null || !failed.has(field))
}

function keepsStatus({ extensions }: GraphQLError): boolean {
  const { status = 200 } = (extensions.http ?? {}) as { status?: number }
  return status >= 500 || status === 401 || status === 403
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
