import { describe, expect, it } from 'vitest'
import { Overloaded } from '../../../workers/errors.ts'
import { Admission } from '../../../workers/runtime/admission.ts'

describe('admission', () => {
  it('takes all of a call or nothing', () => {
    const admission = new Admission(10)
    admission.enter(7)
    expect(() => admission.enter(4)).toThrow(Overloaded)
    expect(admission.waiting).toBe(7)
    admission.enter(3)
    expect(admission.waiting).toBe(10)
  })

  it('takes any number when nothing waits, and then nothing until there is room', () => {
    const admission = new Admission(10)
    admission.enter(500)
    expect(() => admission.enter(1)).toThrow(Overloaded)
    admission.leave(491)
    admission.enter(1)
    expect(admission.waiting).toBe(10)
  })

  it('says no to costly looking while it is full, and yes to what may be cached', () => {
    const admission = new Admission(2)
    admission.enter(2)
    expect(() => admission.check(1, true)).toThrow(Overloaded)
    admission.check(1, false)
    admission.leave(1)
    admission.check(1, true)
  })

  it('lets in what costs nothing even when it is full', () => {
    const admission = new Admission(1)
    admission.enter(1)
    admission.enter(0)
    expect(admission.waiting).toBe(1)
  })

  it('names a time to come back that grows with the queue', () => {
    const retry = (waiting: number) => {
      const admission = new Admission(waiting)
      admission.enter(waiting)
      try {
        admission.enter(1)
      } catch (error) {
        return (error as Overloaded).retryAfterMs
      }
      return expect.unreachable()
    }
    expect(retry(2)).toBeGreaterThanOrEqual(50)
    expect(retry(200)).toBeGreaterThan(retry(20))
    expect(retry(1e9)).toBeLessThanOrEqual(30_000)
  })
})
