import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { BadUserInput, echoed, RequestError } from '../../workers/errors.ts'

/** Says what is wrong with the form of a request, in GraphQL's shape: where Yoga answers nothing, or a fault of the server. */
export function useRequestForm(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      if (!requestParser) throw unsupported(request)
      setRequestParser(async (request) => {
        try {
          return await requestParser(request)
        } catch (error) {
          throw isMalformed(error) ? malformed(request) : error
        }
      })
    },
  }
}

function unsupported(request: Request): RequestError {
  const type = request.headers.get('content-type') ?? '(none)'
  return new RequestError(
    'BAD_USER_INPUT',
    415,
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
