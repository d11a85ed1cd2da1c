import { expect, it } from 'vitest'
import { DatabaseBusy, DatabaseUnavailable, DiskFull, mapDriverError } from '../../../prisma/errors.ts'

const fault = (fields: object, cause?: unknown) =>
  Object.assign(new Error('said by the driver', { cause }), fields)

it.each([
  [fault({ code: 'ECONNREFUSED' }), DatabaseUnavailable],
  [fault({ code: '57P01' }), DatabaseUnavailable],
  [new Error('Connection terminated unexpectedly'), DatabaseUnavailable],
  [fault({ code: '08P01' }), DatabaseUnavailable],
  [fault({ code: '57P03' }), DatabaseUnavailable],
  [fault({ code: 'EHOSTUNREACH' }), DatabaseUnavailable],
  [fault({ code: 'P1001' }), DatabaseUnavailable],
  [new Error('Cannot use a pool after calling end on the pool'), DatabaseUnavailable],
  [new Error('Client has encountered a connection error and is not queryable'), DatabaseUnavailable],
  [fault({ code: '53300' }), DatabaseBusy],
  [fault({ code: '53200' }), DatabaseBusy],
  [fault({ code: '57014' }), DatabaseBusy],
  [fault({ code: '55P03' }), DatabaseBusy],
  [fault({ code: '40P01' }), DatabaseBusy],
  [fault({ code: 'P2024' }), DatabaseBusy],
  [fault({}, { kind: 'TooManyConnections' }), DatabaseBusy],
  [fault({}, { kind: 'postgres', code: '57014' }), DatabaseBusy],
  [new Error('timeout exceeded when trying to connect'), DatabaseBusy],
  // Prisma's frames around the driver's own.
  [
    fault({
      code: 'P2010',
      meta: { driverAdapterError: fault({}, { originalCode: '57P01', kind: 'postgres' }) },
    }),
    DatabaseUnavailable,
  ],
  [fault({}, { kind: 'DatabaseNotReachable' }), DatabaseUnavailable],
  [fault({ code: 'P2010' }, fault({}, { originalCode: '53100' })), DiskFull],
  [new Error('could not extend file "base/5/1259": No space left on device'), DiskFull],
])('%o becomes one of our errors', (error, kind) => {
  const said = mapDriverError(error)
  expect(said).toBeInstanceOf(kind)
  expect((said as Error).cause).toBe(error)
})

it('an error that the map does not know stays as it is', () => {
  const error = fault({ code: '23505' })
  expect(mapDriverError(error)).toBe(error)
})
