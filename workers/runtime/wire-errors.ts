/**
 * Errors as messages: how an error crosses to another thread, process or machine and arrives as the class it was.
 * Structured clone keeps an Error's message alone, and JSON nothing of it.
 */
import {
  BadUserInput,
  DeadlineExceeded,
  GraphError,
  ItemError,
  type ItemErrorCode,
  ModelFolderError,
  ModelNotFound,
  Overloaded,
  type PassedLimit,
  RequestError,
  type RequestErrorCode,
} from '../errors.ts'

type Details = Readonly<Record<string, unknown>>

export type WireError =
  | { kind: 'item'; code: ItemErrorCode; message: string; passed: PassedLimit }
  | { kind: 'request'; code: RequestErrorCode; message: string; details: Details }
  | { kind: 'model-folder'; reason: string; model: string | null }
  | { kind: 'graph'; message: string }
  /** Everything else: a bug, or a failure of the runtime below. `stack` is for the log. */
  | { kind: 'other'; message: string; stack?: string }

export function toWire(error: unknown): WireError {
  if (error instanceof ItemError) {
    const { code, message, passed } = error
    return { kind: 'item', code, message, passed }
  }
  if (error instanceof RequestError) {
    const { code, message, details } = error
    return { kind: 'request', code, message, details }
  }
  if (error instanceof ModelFolderError)
    return { kind: 'model-folder', reason: error.reason, model: error.model }
  if (error instanceof GraphError) return { kind: 'graph', message: error.message }
  if (error instanceof Error) return { kind: 'other', message: error.message, stack: error.stack }
  return { kind: 'other', message: String(error) }
}

export function fromWire(wire: WireError): Error {
  switch (wire.kind) {
    case 'item':
      return new ItemError(wire.code, wire.message, wire.passed)
    case 'request':
      return (
        requestErrors[wire.code]?.(wire.message, wire.details) ??
        new RequestError(wire.code, wire.message, wire.details)
      )
    case 'model-folder':
      return new ModelFolderError(wire.reason, wire.model)
    case 'graph':
      return new GraphError(wire.message)
    case 'other':
      return Object.assign(new Error(wire.message), wire.stack === undefined ? {} : { stack: wire.stack })
  }
}

/** Codes whose errors have a class of their own, which callers tell apart by instanceof. */
const requestErrors: Partial<Record<RequestErrorCode, (message: string, details: Details) => RequestError>> =
  {
    MODEL_NOT_FOUND: (message) => new ModelNotFound(message),
    BAD_USER_INPUT: (message, details) => new BadUserInput(message, details),
    OVERLOADED: (message, details) => new Overloaded(message, details as { retryAfterMs: number }),
    DEADLINE_EXCEEDED: (message) => new DeadlineExceeded(message),
  }
