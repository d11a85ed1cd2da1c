/**
 * Every error of the product that a caller may see, each class said once.
 *
 * Two tiers. An {@link ItemError} is about one item of a list: it becomes data (`InputError`) and the other
 * items are answered. A {@link RequestError} is about the whole request: it becomes a GraphQL error with
 * `extensions.code` and an HTTP status. Anything else that is thrown is a bug: it is logged in full and shown
 * as INTERNAL.
 *
 * Messages name the value, the limit and what to do; they never hold a path, a query or a stack of the server.
 */

/** A caller's own value as messages repeat it: cut where it is long. */
export const echoed = (value: string, most = 80): string =>
  value.length > most ? `${value.slice(0, most)}…` : value

export type ItemErrorCode =
  | 'EMPTY'
  | 'UNREADABLE_IMAGE'
  | 'UNSUPPORTED_FORMAT'
  | 'TOO_LARGE'
  | 'TOO_MANY_PIXELS'
  | 'URL_FORBIDDEN'
  | 'URL_FAILED'
  | 'NOT_FOUND'
  | 'WRONG_DIMENSIONS'
  | 'INVALID'

/** One input that cannot be used: a truncated image, a forbidden address, an empty text. */
export class ItemError extends Error {
  override readonly name = 'ItemError'
  readonly code: ItemErrorCode
  constructor(code: ItemErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type RequestErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'MODEL_NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'TOO_COMPLEX'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL'

/** A whole request that cannot be answered. `status` is the HTTP status, `details` join `extensions`. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError'
  readonly code: RequestErrorCode
  readonly status: number
  readonly details: Record<string, unknown>
  constructor(
    code: RequestErrorCode,
    status: number,
    message: string,
    details: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.status = status
    this.details = details
  }
}

/** No key, or one that the server does not know. */
export class Unauthenticated extends RequestError {
  override readonly name = 'Unauthenticated'
  constructor(message: string) {
    super('UNAUTHENTICATED', 401, message)
  }
}

/** Who asks is known, but this is not theirs to do: a foreign Host or Origin, a missing CSRF header. */
export class Forbidden extends RequestError {
  override readonly name = 'Forbidden'
  constructor(message: string) {
    super('FORBIDDEN', 403, message)
  }
}

/** `model:` names none of the registry. */
export class ModelNotFound extends RequestError {
  override readonly name = 'ModelNotFound'
  constructor(model: string, known: readonly string[]) {
    super(
      'MODEL_NOT_FOUND',
      404,
      `There is no model "${echoed(model)}" here. Known: ${known.join(', ')}. \`limn models pull NAME\` adds one.`,
    )
  }
}

/** Arguments that contradict each other or the contract as a whole: no prompt, weights that sum to nothing. */
export class BadUserInput extends RequestError {
  override readonly name = 'BadUserInput'
  constructor(message: string) {
    super('BAD_USER_INPUT', 400, message)
  }
}

/** The document asks for more than the cost, depth, alias or token limit. */
export class TooComplex extends RequestError {
  override readonly name = 'TooComplex'
  constructor(message: string) {
    super('TOO_COMPLEX', 400, message)
  }
}

/** The body, or one file of it, is over the byte limit. */
export class PayloadTooLarge extends RequestError {
  override readonly name = 'PayloadTooLarge'
  constructor(message: string) {
    super('PAYLOAD_TOO_LARGE', 413, message)
  }
}

/** The queue is full. Nothing of the request was done; it may be sent again after `retryAfterMs`. */
export class Overloaded extends RequestError {
  override readonly name = 'Overloaded'
  readonly retryAfterMs: number
  constructor(retryAfterMs: number, waiting: number, limit: number, queue = "The encoder's queue") {
    super(
      'OVERLOADED',
      503,
      `${queue} is full (${waiting} of ${limit} waiting). Try again in ${retryAfterMs} ms.`,
      { retryAfterMs },
    )
    this.retryAfterMs = retryAfterMs
  }
}

/** The request's deadline passed before its work was done. */
export class DeadlineExceeded extends RequestError {
  override readonly name = 'DeadlineExceeded'
  constructor(afterMs: number) {
    super('DEADLINE_EXCEEDED', 504, `The work was not done within ${Math.round(afterMs)} ms and was dropped.`)
  }
}

/**
 * A model folder that cannot be used: a missing file, an unknown architecture, a graph that does not load. Shown in full
 * at start, by `limn models` and `limn doctor`; callers get `outward`, for the reason may name files of this machine.
 */
export class ModelFolderError extends Error {
  override readonly name = 'ModelFolderError'
  readonly reason: string
  /** Null where only the folder is known. */
  readonly model: string | null
  constructor(reason: string, model: string | null = null) {
    super(model === null ? reason : `Model "${model}" cannot be used: ${reason}`)
    this.reason = reason
    this.model = model
  }

  of(model: string): ModelFolderError {
    return this.model === null ? new ModelFolderError(this.reason, model) : this
  }

  get outward(): string {
    const [which, command] = this.model
      ? [`Model "${this.model}"`, `limn models verify ${this.model}`]
      : ["That model's folder", 'limn models verify']
    return `${which} cannot be used. \`${command}\`, run beside the server, says why.`
  }
}
