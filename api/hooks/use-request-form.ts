import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { HttpError } from '../../schema/core/errors.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'

/** Says what is wrong with the form of a request, in GraphQL's shape: where Yoga answers nothing, or a fault of the server. */
export function useRequestForm(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      // Before anything is done that nobody could then be told of.
      if (!accepts(request, [...json, ...streams])) throw notAcceptable(request)
      // Other methods are told as such by Yoga.
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

/** Whether one of the types is among those that the request says it reads; without a word it reads all. */
function accepts(request: Request, types: readonly string[]): boolean {
  const accepted = (request.headers.get('accept') || '*/*')
    .split(',')
    .map((range) => range.split(';', 1)[0]!.trim().toLowerCase())
  return accepted.some((range) =>
    types.some((type) => range === '*/*' || range === type || range === `${type.split('/', 1)[0]}/*`),
  )
}

/** Whether the answer can only be a stream of events: its reader is told of errors by events, never by a status. */
export const readsEventsOnly = (request: Request): boolean =>
  accepts(request, ['text/event-stream']) && !accepts(request, [...json, 'multipart/mixed'])

function notAcceptable(request: Request): HttpError {
  const asked = request.headers.get('accept') ?? ''
  return new HttpError(
    406,
    'BAD_USER_INPUT',
    `Nothing can be answered as "${echoed(asked)}". Accept application/json, or text/event-stream for a subscription.`,
  )
}

function unsupported(request: Request): HttpError {
  const type = request.headers.get('content-type') ?? '(none)'
  return new HttpError(
    415,
    'BAD_USER_INPUT',
    `A request of type "${echoed(type)}" is not read. Send application/json, or multipart/form-data with files.`,
  )
}

/** JSON that is none, or of another shape than the specification's: Yoga's parsers trip over both. */
const isMalformed = (error: unknown) =>
  error instanceof SyntaxError ||
  error instanceof TypeError ||
  (error instanceof GraphQLError && error.extensions.originalError !== undefined)

function malformed(request: Request): BadUserInput {
  const type = request.headers.get('content-type') ?? ''
  return new BadUserInput(
    type.startsWith('multipart/')
      ? 'The multipart body is not as the GraphQL multipart request specification says: operations holds a JSON object, map lists of paths by file.'
      : request.method === 'GET' || type.includes('urlencoded')
        ? 'variables and extensions must be JSON objects.'
        : 'The body is not valid JSON.',
  )
}
