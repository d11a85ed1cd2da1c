import { GraphQLError } from 'graphql'
import { DatabaseBusy, DatabaseUnavailable, DiskFull } from '../../prisma/errors.ts'
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
import { StorageFull } from '../../workers/fs/storage-full.ts'
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
  description: 'An input that could not be used. The others are answered all the same.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Index of the input in the request.' }),
    code: t.field({
      type: InputErrorCode,
      description: 'The reason, for programs.',
      resolve: (e) => e.code,
    }),
    message: t.exposeString('message', { description: 'The reason and what to do about it, for people.' }),
  }),
})

/**
 * A prompt, unlike a candidate, cannot be left out: its ItemError fails the request.
 * @param place the argument as the caller wrote it, e.g. `prompts[2]`
 */
export function asRequestError(error: ItemError, place: string): RequestError {
  return new BadUserInput(`${place}: ${error.message}`, {
    argument: place,
    inputErrorCode: error.code,
    ...error.passed,
  })
}

/** HTTP status of each code. */
export const statusOf: Record<RequestErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  MODEL_NOT_FOUND: 400,
  BAD_USER_INPUT: 400,
  TOO_COMPLEX: 400,
  PAYLOAD_TOO_LARGE: 413,
  PERSISTED_QUERY_NOT_FOUND: 400,
  OVERLOADED: 503,
  DEADLINE_EXCEEDED: 504,
  INTERNAL: 500,
}

/** A request whose HTTP status says more than its code: an unsupported media type, an answer that is not acceptable. */
export class HttpError extends RequestError {
  override readonly name = 'HttpError'
  readonly status: number
  constructor(status: number, code: RequestErrorCode, message: string) {
    super(code, message)
    this.status = status
  }
}

/** Yoga's codes and Limn's for the same. */
const yogaCodes: Record<string, RequestErrorCode> = {
  REQUEST_ENTITY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  INTERNAL_SERVER_ERROR: 'INTERNAL',
}

/**
 * The error as a caller sees it. RequestErrors and GraphQL's own errors (syntax, validation, variables) keep their texts.
 * Everything else is a bug: `report` logs it and returns the id that the caller gets.
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
    const headers = retryHeader(cause.details.retryAfterMs)
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
      extensions: { code: 'MODEL_NOT_FOUND', id, http: { status: statusOf.MODEL_NOT_FOUND } },
    })
  const database = databaseError(cause)
  if (database) {
    const { message, code, status, retryAfterMs } = database
    return new GraphQLError(message, {
      ...place,
      extensions: {
        ...{ code, id },
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        http: { status, headers: retryHeader(retryAfterMs) },
      },
    })
  }
  if (cause instanceof StorageFull)
    return new GraphQLError(cause.outward, {
      ...place,
      extensions: { code: 'INTERNAL', id, http: { status: 507 } },
    })
  return new GraphQLError(`Something went wrong in the server. Its log has the details under ${id}.`, {
    ...place,
    extensions: { code: 'INTERNAL', id, http: { status: 500 } },
  })
}

const retryHeader = (ms: unknown) =>
  typeof ms === 'number' ? { 'retry-after': String(Math.ceil(ms / 1000)) } : undefined

/** In words of ours: the database's own hold queries and addresses. */
function databaseError(
  cause: unknown,
): { message: string; code: RequestErrorCode; status: number; retryAfterMs?: number } | null {
  if (cause instanceof DiskFull)
    return {
      message: "The database's disk is full; nothing was stored. Make room there.",
      ...{ code: 'INTERNAL', status: 507 },
    }
  if (cause instanceof DatabaseBusy)
    return {
      message: `The database has too much to do. Try again in ${cause.retryAfterMs} ms.`,
      ...{ code: 'OVERLOADED', status: 503, retryAfterMs: cause.retryAfterMs },
    }
  if (cause instanceof DatabaseUnavailable)
    return {
      message: `The database does not answer now. Try again in ${cause.retryAfterMs} ms.`,
      ...{ code: 'INTERNAL', status: 503, retryAfterMs: cause.retryAfterMs },
    }
  return null
}

function rootCause(error: GraphQLError): unknown {
  let cause: unknown = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}

/** Characters of a reason: GraphQL's own repeat the value that they refuse. */
const maxReason = 300

/**
 * GraphQL's message about a variable, with the value cut: it may be a whole image. Only the outer error knows the
 * variable and the place in it; the innermost one has the reason alone, with which the outer one's message ends.
 */
function legible(message: string, reason: string): string {
  const shortReason = echoed(reason, maxReason)
  const statement = message.endsWith(`; ${reason}`) && message.slice(0, -reason.length - 2)
  const start = statement && /^Variable "\$(\w+)" got invalid value /.exec(statement)
  if (!statement || !start) return echoed(message, maxReason)
  const [prefix, name] = start
  // The last one: the value before it may hold such words too.
  const at = statement.lastIndexOf(` at "${name}`)
  const place = at < prefix.length ? '' : statement.slice(at)
  const value = statement.slice(prefix.length, place === '' ? undefined : at)
  return `${prefix}${echoed(value)}${echoed(place, maxReason)}; ${shortReason}`
}

/** @throws BadUserInput naming the argument, how many there are and how many may be */
export function atMost(list: readonly unknown[] | null | undefined, limit: number, argument: string): void {
  if (list && list.length > limit)
    throw new BadUserInput(
      `${argument} has ${list.length} entries; at most ${limit} go in one request. Split it.`,
      { argument, limit, given: list.length },
    )
}
