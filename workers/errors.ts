/**
 * Every error of the product that a caller may see, each class and each code said once.
 *
 * Two tiers. An {@link ItemError} is about one item of a list: it becomes data (`InputError`) and the other
 * items are answered. A {@link RequestError} is about the whole request: it becomes a GraphQL error with
 * `extensions.code`; schema/core/errors.ts gives each code its HTTP status. Anything else that is thrown is a bug: it
 * is logged in full and shown as INTERNAL.
 *
 * Messages name the value, the limit and what to do; they never hold a path, a query or a stack of the server.
 */

/** A caller's own value as messages repeat it: cut where it is long. */
export const echoed = (value: string, max = 80): string =>
  value.length > max ? `${value.slice(0, max)}…` : value

/** Codes of problems with one item, and what each means. */
export const itemErrorCodes = {
  EMPTY: 'Nothing was given: an empty text, a file of no bytes.',
  UNREADABLE_IMAGE: 'The image is damaged or cut off.',
  UNSUPPORTED_FORMAT: 'These bytes are not an image, or not in a format that Limn reads.',
  TOO_LARGE: 'More bytes, or a longer text, than the limit.',
  TOO_MANY_PIXELS: 'More pixels than the limit.',
  URL_FORBIDDEN: 'The server does not fetch this address: it is not http(s), or not public.',
  URL_FAILED: 'The address did not answer with an image in time.',
  NOT_FOUND: 'Nothing has this id: no asset, drawing or model.',
  CONFLICT: 'The idempotency key came with another input before.',
  WRONG_DIMENSIONS: "The vector's length is not the model's.",
  INVALID: 'Malformed in another way; the message says how.',
} as const

export type ItemErrorCode = keyof typeof itemErrorCodes

/** A limit that was passed, and the number that passed it, for programs. */
export interface PassedLimit {
  limit?: number
  given?: number
}

/** One input that cannot be used: a truncated image, a forbidden address, an empty text. */
export class ItemError extends Error {
  override readonly name = 'ItemError'
  readonly code: ItemErrorCode
  readonly passed: PassedLimit
  constructor(
    code: ItemErrorCode,
    message: string,
    { limit, given, ...options }: ErrorOptions & PassedLimit = {},
  ) {
    super(message, options)
    this.code = code
    this.passed = { ...(limit === undefined ? {} : { limit }), ...(given === undefined ? {} : { given }) }
  }
}

/** Codes of problems with a whole request, and what each means. */
export const requestErrorCodes = {
  UNAUTHENTICATED: 'No key, or one that the server does not know.',
  FORBIDDEN: 'The caller is known, but may not do this: a foreign Host or Origin, a missing CSRF header.',
  MODEL_NOT_FOUND: 'No model has this name, or its folder cannot be used.',
  BAD_USER_INPUT: 'The request is malformed, or its arguments contradict each other or the schema.',
  TOO_COMPLEX: 'The document or its variables pass a limit of size, depth or cost.',
  PAYLOAD_TOO_LARGE: 'The body, or one of its files, has more bytes than the limit.',
  PERSISTED_QUERY_NOT_FOUND: 'The server does not know the document of this hash. Send the document with it.',
  OVERLOADED:
    'A queue, or the memory for requests, is full. Nothing of the request was done; send it again after `retryAfterMs`.',
  DEADLINE_EXCEEDED: 'The work was not done in the time that a request may take, and was dropped.',
  INTERNAL: 'The server failed. Its log has the details under `id`.',
} as const

export type RequestErrorCode = keyof typeof requestErrorCodes

/** A whole request that cannot be answered. `details` join `extensions`. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError'
  readonly code: RequestErrorCode
  readonly details: Readonly<Record<string, unknown>>
  constructor(
    code: RequestErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.details = details
  }
}

/** `model:` names no model of the registry. */
export class ModelNotFound extends RequestError {
  override readonly name = 'ModelNotFound'
  constructor(message: string) {
    super('MODEL_NOT_FOUND', message)
  }

  static named(model: string, known: readonly string[]): ModelNotFound {
    return new ModelNotFound(
      `There is no model "${echoed(model)}" here. Known: ${known.join(', ')}. \`limn models pull NAME\` adds one.`,
    )
  }
}

/** Arguments that contradict each other or the contract as a whole: no prompt, weights that sum to nothing. */
export class BadUserInput extends RequestError {
  override readonly name = 'BadUserInput'
  constructor(message: string, details?: Readonly<Record<string, unknown>>) {
    super('BAD_USER_INPUT', message, details)
  }
}

/** A queue, or the memory for requests, is full. Nothing of the request was done; it may be sent again after `retryAfterMs`. */
export class Overloaded extends RequestError {
  override readonly name = 'Overloaded'
  constructor(message: string, details: Readonly<Record<string, unknown>> & { retryAfterMs: number }) {
    super('OVERLOADED', message, details)
  }

  static queue(
    retryAfterMs: number,
    { waiting, limit, queue = "The encoder's queue" }: { waiting: number; limit: number; queue?: string },
  ): Overloaded {
    const message = `${queue} is full (${waiting} of ${limit} waiting). Try again in ${retryAfterMs} ms.`
    return new Overloaded(message, { retryAfterMs })
  }

  get retryAfterMs(): number {
    return this.details.retryAfterMs as number
  }
}

/** The request's deadline passed before its work was done. */
export class DeadlineExceeded extends RequestError {
  override readonly name = 'DeadlineExceeded'
  constructor(message: string) {
    super('DEADLINE_EXCEEDED', message)
  }

  static after(ms: number): DeadlineExceeded {
    return new DeadlineExceeded(`The work was not done within ${Math.round(ms)} ms and was dropped.`)
  }
}

/** An ONNX graph cannot be read, rewritten or differentiated; the message says what of it. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
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
