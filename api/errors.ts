/** Errors that only the HTTP layer throws. */
import { RequestError } from '../workers/errors.ts'

/** No key, or one that the server does not know. */
export class Unauthenticated extends RequestError {
  override readonly name = 'Unauthenticated'
  constructor(message: string) {
    super('UNAUTHENTICATED', message)
  }
}

/** The caller is known, but may not do this: a foreign Host or Origin, a missing CSRF header. */
export class Forbidden extends RequestError {
  override readonly name = 'Forbidden'
  constructor(message: string) {
    super('FORBIDDEN', message)
  }
}

/** The document asks for more than the cost, depth, alias or token limit. */
export class TooComplex extends RequestError {
  override readonly name = 'TooComplex'
  constructor(message: string) {
    super('TOO_COMPLEX', message)
  }
}
