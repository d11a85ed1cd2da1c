import { describe, expect, it } from 'vitest'
import { newAssetId } from '../../../prisma/ids.ts'

describe('asset ids', () => {
  it('asset ids grow strictly, within a millisecond and when the clock is set back', () => {
    const now = Date.now() + 60_000
    const times = [now, now, now, now - 5000, now, now + 1, now + 1]
    const ids = times.map((time) => newAssetId(time))
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^asset_[0-9a-hjkmnp-tv-z]{26}$/)
  })

  it('asset ids begin with the time', () => {
    const later = Date.now() + 3_600_000
    const time = newAssetId(later).slice('asset_'.length, 'asset_'.length + 10)
    const value = [...time].reduce(
      (sum, digit) => sum * 32 + '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(digit),
      0,
    )
    expect(value).toBe(later)
  })
})
