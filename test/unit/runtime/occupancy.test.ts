import { describe, expect, it } from 'vitest'
import { Occupancy } from '../../../workers/runtime/occupancy.ts'

const half = { id: 'a', share: 0.5 }
const whole = { id: 'b', share: 1 }

describe('occupancy', () => {
  it('an idle queue takes any number, a busy one what fits', () => {
    const occupancy = new Occupancy()
    expect(occupancy.exceeds(10, 500)).toBe(false)
    occupancy.take(4)
    expect(occupancy.exceeds(10, 6)).toBe(false)
    expect(occupancy.exceeds(10, 7)).toBe(true)
  })

  it('a caller fills its share at most, and leaves the rest to others', () => {
    const occupancy = new Occupancy()
    occupancy.take(5, half)
    expect(occupancy.exceeds(10, 1, half)).toBe(true)
    expect(occupancy.exceeds(10, 5, whole)).toBe(false)
    occupancy.release(2, half)
    expect(occupancy.exceeds(10, 2, half)).toBe(false)
  })

  it('a share of less than one place is one place', () => {
    const occupancy = new Occupancy()
    const small = { id: 'c', share: 0.001 }
    occupancy.take(1, small)
    expect(occupancy.exceeds(10, 1, small)).toBe(true)
    occupancy.release(1, small)
    expect(occupancy.exceeds(10, 1, small)).toBe(false)
  })

  it('work of no caller counts against the limit alone', () => {
    const occupancy = new Occupancy()
    occupancy.take(8)
    expect(occupancy.exceeds(10, 2, half)).toBe(false)
    expect(occupancy.exceeds(10, 3, half)).toBe(true)
    occupancy.release(8)
    expect(occupancy.taken).toBe(0)
  })
})
