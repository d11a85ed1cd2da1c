import { GraphQLError } from 'graphql'
import { DatabaseUnavailable, DiskFull } from '../../prisma/errors.ts'
import {
  BadUserInput,
  echoed,
  type ItemError,
  type ItemErrorCode,
  itemErrorCodes,
  ModelFolderError,
  RequestError,
  type RequestErrorCode,
  requestErrorCodes,
} from '../../workers/errors.ts'
import { builder } from './builder.ts'

/** An ItemError in its place of a list: the contract's InputError. */
export class ItemFailure {
  readonly index: number
  readonly code: ItemErrorCode
  readonly message: string
  constructor(index: number, error: ItemError) {
    this.index = index
    this.code = error.code
    this.message = error.message
  }
}

export const InputErrorCode = builder.enumType('InputErrorCode', {
  description: 'Why an input could not be used.',
  values: Object.fromEntries(
    Object.entries(itemErrorCodes).map(([code, description]) => [code, { description }]),
  ) as Record<ItemErrorCode, { description: string }>,
})

export const InputError = builder.objectType(ItemFailure, {
  name: 'InputError',
  description: 'One input that could not be used. The others are answered.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Place of the input in the request.' }),
    code: t.field({
      type: InputErrorCode,
      description: 'What is wrong, for programs.',
      resolve: (e) => e.code,
    }),
    message: t.exposeString('message', { description: 'What is wrong and what to do, for people.' }),
  }),
})

/**
 * A prompt, unlike a candidate, cannot be left out: its ItemError fails the request.
 * @param place the argument as the caller wrote it, e.g. `prompts[2]`
 */
export function asRequestError(error: ItemError, place: string): RequestError {
  return new BadUserInput(`${place}: ${error.message}`, { argument: place, inputErrorCode: error.code })
}

/** HTTP status of each code. */
export const statusOf: Record<RequestErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  MODEL_NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  TOO_COMPLEX: 400,
  PAYLOAD_TOO_LARGE: 413,
  OVERLOADED: 503,
  DEADLINE_EXCEEDED: 504,
  INTERNAL: 500,
}

/** A request whose HTTP status says more than its code: a media type that is not read, an answer that is not accepted. */
export class HttpError extends RequestError {
  override readonly name = 'HttpError'
  readonly status: number
  constructor(status: number, code: RequestErrorCode, message: string) {
    super(code, message)
    this.status = status
  }
}

/** Yoga's codes for what has one of Limn's. */
const yogaCodes: Record<string, RequestErrorCode> = {
  REQUEST_ENTITY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  INTERNAL_SERVER_ERROR: 'INTERNAL',
}

/**
 * What leaves the server: the texts of RequestErrors and of GraphQL's own errors (syntax, validation, variables).
 * Everything else is a bug: `report` gets it and returns the id that the caller is shown.
 */
export function toGraphQLError(error: unknown, report: (error: unknown) => string): GraphQLError {
  const graphql = error instanceof GraphQLError ? error : undefined
  const cause = graphql ? rootCause(graphql) : error
  const place = graphql && {
    nodes: graphql.nodes,
    source: graphql.source,
    positions: graphql.positions,
    path: graphql.path,
  }
  if (cause instanceof RequestError) {
    const status = cause instanceof HttpError ? cause.status : statusOf[cause.code]
    const retry = cause.details.retryAfterMs
    const headers = typeof retry === 'number' ? { 'retry-after': String(Math.ceil(retry / 1000)) } : undefined
    return new GraphQLError(cause.message, {
      ...place,
      extensions: { code: cause.code, ...cause.details, http: { status, headers } },
    })
  }
  if (graphql && cause instanceof GraphQLError) {
    const code = cause.extensions.code
    if (typeof code === 'string' && code in requestErrorCodes) return cause
    const mapped = (typeof code === 'string' && yogaCodes[code]) || 'BAD_USER_INPUT'
    const http = cause.extensions.http as object | undefined
    return new GraphQLError(legible(graphql.message, cause.message), {
      ...place,
      extensions: { ...cause.extensions, code: mapped, http: http ?? { spec: true, status: 400 } },
    })
  }
  const id = report(cause)
  // Its own message names files of this machine.
  if (cause instanceof ModelFolderError)
    return new GraphQLError(cause.outward, {
      ...place,
      extensions: { code: 'MODEL_NOT_FOUND', id, http: { status: 404 } },
    })
  // Nothing of a database's own words, which hold queries and addresses.
  if (cause instanceof DatabaseUnavailable || cause instanceof DiskFull) {
    const message =
      cause instanceof DiskFull
        ? "The database's disk is full; nothing was stored. Make room there."
        : 'The database does not answer now. Try again in a moment.'
    const status = cause instanceof DiskFull ? 507 : 503
    return new GraphQLError(message, { ...place, extensions: { code: 'INTERNAL', id, http: { status } } })
  }
  return new GraphQLError(`Something went wrong in the server. Its log has the details under ${id}.`, {
    ...place,
    extensions: { code: 'INTERNAL', id, http: { status: 500 } },
  })
}

function rootCause(error: GraphQLError): unknown {
  let cause: unknown = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}

/** Longest reason that is told: GraphQL's own repeat the value that they refuse. */
const longestReason = 300

/**
 * What GraphQL says of a variable, with the value cut: it may be a whole image. Only the outer error knows the
 * variable and the place in it; the innermost one has the reason alone, with which the outer one's message ends.
 */
function legible(message: string, reason: string): string {
  const told = echoed(reason, longestReason)
  const said = message.endsWith(`; ${reason}`) && message.slice(0, -reason.length - 2)
  const begun = said && /^Variable "\$(\w+)" got invalid value /.exec(said)
  if (!said || !begun) return echoed(message, longestReason)
  const [prefix, name] = begun
  // The last one: the value before it may hold such words too.
  const at = said.lastIndexOf(` at "${name}`)
  const place = at < prefix.length ? '' : said.slice(at)
  const value = said.slice(prefix.length, place === '' ? undefined : at)
  return `${prefix}${echoed(value)}${echoed(place, longestReason)}; ${told}`
}

/** @throws BadUserInput naming the argument, how many there are and how many may be */
export function atMost(list: readonly unknown[] | null | undefined, limit: number, argument: string): void {
  if (list && list.length > limit)
    throw new BadUserInput(
      `${argument} has ${list.length} entries; at most ${limit} go in one request. Split it.`,
    )
}
