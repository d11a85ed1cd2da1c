import { describe, expect, it } from 'vitest'
import { Overloaded } from '../../../workers/errors.ts'
import { Admission } from '../../../workers/runtime/admission.ts'

describe('admission', () => {
  it('a call is admitted as a whole or not at all', () => {
    const admission = new Admission(10)
    admission.enter(7)
    expect(() => admission.enter(4)).toThrow(Overloaded)
    expect(admission.waiting).toBe(7)
    admission.enter(3)
    expect(admission.waiting).toBe(10)
  })

  it('an idle queue admits any number, and then nothing until there is room', () => {
    const admission = new Admission(10)
    admission.enter(500)
    expect(() => admission.enter(1)).toThrow(Overloaded)
    admission.leave(491)
    admission.enter(1)
    expect(admission.waiting).toBe(10)
  })

  it('a full queue refuses inputs that are costly to look up, and not those that may be cached', () => {
    const admission = new Admission(2)
    admission.enter(2)
    expect(() => admission.check(1, true)).toThrow(Overloaded)
    admission.check(1, false)
    admission.leave(1)
    admission.check(1, true)
  })

  it('a caller may fill its share, and others the rest', () => {
    const admission = new Admission(10)
    const half = { id: 'half', share: 0.5 }
    admission.enter(4, half)
    expect(() => admission.enter(2, half)).toThrow(Overloaded)
    admission.enter(6, { id: 'whole', share: 1 })
    admission.leave(6, { id: 'whole', share: 1 })
    admission.leave(4, half)
    admission.enter(2, half)
    expect(admission.waiting).toBe(2)
  })

  it('a call that needs no place is admitted to a full queue', () => {
    const admission = new Admission(1)
    admission.enter(1)
    admission.enter(0)
    expect(admission.waiting).toBe(1)
  })

  it('the time to retry after grows with the queue', () => {
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
