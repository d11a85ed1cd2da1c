import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { HttpError } from '../../schema/core/errors.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'

/** Explains a malformed request in GraphQL's shape, where Yoga would answer nothing or a fault of the server. */
export function useRequestForm(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      // Before anything is done whose answer the client could not read.
      if (!accepts(request, [...json, ...streams])) throw notAcceptable(request)
      // Yoga refuses other methods.
      if (!requestParser && request.method !== 'POST') return
      if (!requestParser) throw unsupported(request)
      setRequestParser(async (request) => {
        try {
          return await requestParser(request)
        } catch (error) {
          throw isMalformed(error) ? malformed(request) : error
        }
      })
    },
    onResultProcess({ request, resultProcessor, setResultProcessor }) {
      if (resultProcessor) return
      setResultProcessor((_result, { Response }) => {
        const { message, code, status } = notAcceptable(request)
        const body = JSON.stringify({ errors: [{ message, extensions: { code } }] })
        return new Response(body, {
          status,
          headers: { 'content-type': 'application/json; charset=utf-8' },
        })
      }, json[0])
    },
  }
}

const json = ['application/json', 'application/graphql-response+json'] as const
const streams = ['text/event-stream', 'multipart/mixed'] as const

/** Whether the request accepts one of the types; without an Accept header it accepts all. */
function accepts(request: Request, types: readonly string[]): boolean {
  const accepted = (request.headers.get('accept') || '*/*')
    .split(',')
    .map((range) => range.split(';', 1)[0]!.trim().toLowerCase())
  return accepted.some((range) =>
    types.some((type) => range === '*/*' || range === type || range === `${type.split('/', 1)[0]}/*`),
  )
}

/** Whether the answer can only be a stream of events: errors come as events, never as a status. */
export const readsEventsOnly = (request: Request): boolean =>
  accepts(request, ['text/event-stream']) && !accepts(request, [...json, 'multipart/mixed'])

function notAcceptable(request: Request): HttpError {
  const accept = request.headers.get('accept') ?? ''
  return new HttpError(
    406,
    'BAD_USER_INPUT',
    `No answer can be "${echoed(accept)}". Accept application/json, or text/event-stream for a subscription.`,
  )
}

function unsupported(request: Request): HttpError {
  const type = request.headers.get('content-type') ?? '(none)'
  return new HttpError(
    415,
    'BAD_USER_INPUT',
    `A request of type "${echoed(type)}" is not supported. Send application/json, or multipart/form-data with files.`,
  )
}

/** Malformed JSON, or JSON of another shape than the specification's: Yoga's parsers throw on both. */
const isMalformed = (error: unknown) =>
  error instanceof SyntaxError ||
  error instanceof TypeError ||
  (error instanceof GraphQLError && error.extensions.originalError !== undefined)

function malformed(request: Request): BadUserInput {
  const type = request.headers.get('content-type') ?? ''
  return new BadUserInput(
    type.startsWith('multipart/')
      ? 'The multipart body does not follow the GraphQL multipart request specification: operations holds a JSON object, map lists of paths by file.'
      : request.method === 'GET' || type.includes('urlencoded')
        ? 'variables and extensions must be JSON objects.'
        : 'The body is not valid JSON.',
  )
}
