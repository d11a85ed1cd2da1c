/** Errors that only the server's outside throws: its settings and its HTTP layer. */
import { type PassedLimit, RequestError } from '../workers/errors.ts'

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

/** The document or its variables pass a limit of size, depth or cost. */
export class TooComplex extends RequestError {
  override readonly name = 'TooComplex'
  constructor(message: string, passed: PassedLimit = {}) {
    super('TOO_COMPLEX', message, { ...passed })
  }
}

/** The body has more bytes than the limit, before or after it is decompressed. */
export class PayloadTooLarge extends RequestError {
  override readonly name = 'PayloadTooLarge'
  constructor(message: string, passed: PassedLimit) {
    super('PAYLOAD_TOO_LARGE', message, { ...passed })
  }
}
