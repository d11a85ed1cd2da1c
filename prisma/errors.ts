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

/** The database does not answer: it was stopped, or the way to it is cut. The same call may work later. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}

/** The database's disk is full. Nothing of the call was stored. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull'
}

/** The caller's tenant is not one of this database. */
export class UnknownTenant extends Error {
  override readonly name = 'UnknownTenant'
}

/** SQLSTATEs of a server that is going down, starting up or out of connections, and of limits on time that were passed. */
const unavailable = new Set([
  ...['57P01', '57P02', '57P03', '53300', '08000', '08003', '08006', '08001', '08004'],
  ...['57014', '55P03', '25P03'],
])
const socketErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])

/** Prisma's codes: not reached, timed out, connection closed, none free. */
const prismaUnavailable = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024'])

/** Prisma's DriverAdapterError keeps the driver's code in its cause, and Prisma's other errors keep that one in `meta`. */
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
    if (
      unavailable.has(code) ||
      prismaUnavailable.has(code) ||
      socketErrors.has(code) ||
      fault.kind === 'DatabaseNotReachable' ||
      fault.kind === 'ConnectionClosed' ||
      /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/i.test(
        message,
      )
    )
      return new DatabaseUnavailable('The database does not answer. Try again in a moment.', { cause: error })
    fault = (fault.cause ?? fault.meta?.driverAdapterError) as DriverFault | undefined
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
