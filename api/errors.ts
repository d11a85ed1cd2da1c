/** Errors that only the server's outside throws: its settings and its HTTP layer. */
import { RequestError } from '../workers/errors.ts'

/** Settings that cannot be used, all of them at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** No key, or one that the server does not know. */
export class Unauthenticated extends RequestError {
  override readonly name = 'Unauthenticated'
  constructor(message: string) {
    super('UNAUTHENTICATED', message)
  }
}

/** The document asks for more than the cost, depth, alias or token limit. */
export class TooComplex extends RequestError {
  override readonly name = 'TooComplex'
  constructor(message: string) {
    super('TOO_COMPLEX', message)
  }
}
