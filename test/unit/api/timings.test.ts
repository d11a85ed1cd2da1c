import { expect, it } from 'vitest'
import { Timings } from '../../../api/hooks/use-timings.ts'

it('a report holds mean and maximum of each stage over the inputs, in milliseconds', () => {
  const timings = new Timings()
  timings.add({ decode: 0.001, queue: 0.25, encode: 0.02 })
  timings.add({ decode: 0.003, queue: -1e-9, encode: 0.02 })
  const { totalMs, ...rest } = timings.report()
  expect(totalMs).toBeGreaterThanOrEqual(0)
  expect(rest).toEqual({
    encoded: 2,
    decodeMs: { mean: 2, max: 3 },
    queueMs: { mean: 125, max: 250 },
    encodeMs: { mean: 20, max: 20 },
  })
})

it('a report without encoded inputs has no stages', () => {
  expect(new Timings().report()).toMatchObject({
    encoded: 0,
    decodeMs: null,
    queueMs: null,
    encodeMs: null,
  })
})
