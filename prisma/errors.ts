/**
 * Everything prisma/ throws on purpose. Any other error comes from the driver and is a bug or a broken database.
 */

/** The database cannot be opened. Nothing was changed. The message says what to do and is shown as it is. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}

/** A vector or query whose length is not its model's, or whose numbers are not finite. */
export class VectorError extends Error {
  override readonly name = 'VectorError'
}

/** The database does not answer: it was stopped, restarts, or the way to it is cut. The same call may work later. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
  /** About the time that a restart takes. */
  readonly retryAfterMs = 2000
}

/** The database answers and has no room for the call now: no connection, no time, another call's lock. */
export class DatabaseBusy extends Error {
  override readonly name = 'DatabaseBusy'
  readonly retryAfterMs = 1000
}

/** The database's disk is full. Nothing of the call was stored. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull'
}

/** The caller's tenant is not one of this database. */
export class UnknownTenant extends Error {
  override readonly name = 'UnknownTenant'
}

/**
 * SQLSTATEs of a server that is going down, starting up, no longer the primary, or lost: class 08, and the operator's
 * interventions without cancelled statements.
 */
const unavailable = /^(08...|57P0[1-5]|25006|25P03)$/
/** Out of connections or memory, statement or lock timeout, deadlock: the same call may work when others are done. */
const busy = /^(53[0234]..|57014|55P03|40001|40P01)$/
/** Prisma's codes for the same two. */
const prismaUnavailable = new Set(['P1001', 'P1002', 'P1017'])
const prismaBusy = new Set(['P1008', 'P2024', 'P2028', 'P2034', 'P2037'])
const unavailableKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'TlsConnectionError'])
const busyKinds = new Set(['TooManyConnections', 'SocketTimeout', 'TransactionWriteConflict'])
const socketErrors =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/
/** Texts of node-postgres, which gives them no code. */
const lostConnection =
  /Connection terminated|Connection ended|connection error and is not queryable|after calling end on the pool|Client was closed/i
const slowConnection = /timeout exceeded when trying to connect|Query read timeout/i

/** Prisma's DriverAdapterError keeps the driver's code in its cause; errors of its client keep that error in `meta`. */
interface DriverFault {
  code?: unknown
  originalCode?: unknown
  kind?: unknown
  message?: string
  cause?: unknown
  meta?: { driverAdapterError?: unknown }
}

/** Turns a driver's error into one of ours where a caller can act on it; returns others as they came. */
export function mapDriverError(error: unknown): unknown {
  for (let fault = error as DriverFault | undefined, depth = 0; fault && depth < 4; depth++) {
    const code = String(fault.originalCode ?? fault.code ?? '')
    const message = fault.message ?? ''
    if (code === '53100' || /No space left on device/i.test(message))
      return new DiskFull('The disk of the database is full: nothing was stored. Make room and try again.', {
        cause: error,
      })
    const kind = String(fault.kind)
    if (busy.test(code) || prismaBusy.has(code) || busyKinds.has(kind) || slowConnection.test(message))
      return new DatabaseBusy('The database has too much to do. Try again in a moment.', { cause: error })
    if (
      unavailable.test(code) ||
      socketErrors.test(code) ||
      prismaUnavailable.has(code) ||
      unavailableKinds.has(kind) ||
      lostConnection.test(message)
    )
      return new DatabaseUnavailable('The database does not answer. Try again in a moment.', { cause: error })
    fault = (fault.meta?.driverAdapterError ?? fault.cause) as DriverFault | undefined
  }
  return error
}

/** Runs `work`, with its driver errors turned into ours. */
export async function mapDriverErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw mapDriverError(error)
  }
}
