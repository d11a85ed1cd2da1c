import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga'
import { toGraphQLError } from '../../schema/core/errors.ts'
import type { Log } from '../../workers/log.ts'
import { readsEventsOnly } from './use-request-form.ts'

/**
 * Shapes every error by schema/core/errors.ts; a fault of the server is logged, and the caller gets its id. An answer that
 * holds data, or is a stream of events, has status 200 whatever its errors are.
 */
export function useErrors(log: Log, maxBodyBytes: number): Plugin {
  const report = (err: unknown) => {
    const id = randomUUID()
    log.error({ err, id }, 'request failed by a fault of the server')
    return id
  }
  const graphQLError = (error: unknown) => {
    const shown = toGraphQLError(error, report)
    if (shown.extensions.code !== 'PAYLOAD_TOO_LARGE') return shown
    const { extensions } = shown
    return new GraphQLError(
      `The request's body has more than ${maxBodyBytes} bytes (LIMN_MAX_BODY_BYTES). Send fewer or smaller images at once, or raise the limit.`,
      { extensions },
    )
  }
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
        setResult(answer.data != null || readsEventsOnly(request) ? statusless(answer) : answer)
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
