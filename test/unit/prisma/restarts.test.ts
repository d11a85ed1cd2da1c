import { expect, it } from 'vitest'
import { Restarts } from '../../../prisma/embedded/restarts.ts'

it('a database that keeps dying is started again later each time, and in the end not at all', () => {
  const restarts = new Restarts({ max: 5, windowMs: 600_000 })
  const pauses = [0, 1, 2, 3, 4, 5, 6].map((second) => restarts.next(second * 1000))
  expect(pauses).toEqual([0, 500, 1000, 2000, 4000, null, null])
})

it('deaths before the window are forgotten', () => {
  const restarts = new Restarts({ max: 2, windowMs: 1000 })
  expect([0, 600, 1200, 1800, 2400].map((ms) => restarts.next(ms))).toEqual([0, 500, 500, 500, 500])
  expect(restarts.next(2500)).toBeNull()
  expect(restarts.next(5000)).toBe(0)
})
