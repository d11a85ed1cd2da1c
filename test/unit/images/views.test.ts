/** The views' way back is the transpose of their way there: <views(p + d) - views(p), g> = <d, gradient for g>. */

import { describe, expect, it } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { cutoutViews } from '../../../workers/images/views/cutout-views.ts'
import { plainView } from '../../../workers/images/views/plain-view.ts'
import type { CutoutChoice } from '../../../workers/images/views/random-cutout.ts'
import type { Views } from '../../../workers/images/views/views.ts'
import { numbers } from '../../support/random.ts'

const squash: ImageSpec = {
  width: 32,
  height: 32,
  fit: 'squash',
  resizeTo: 32,
  filter: 'bicubic',
  rescale: 1 / 255,
  mean: [0.48, 0.46, 0.41],
  std: [0.27, 0.26, 0.28],
}
const cover: ImageSpec = { ...squash, fit: 'cover', filter: 'bilinear' }
/** A crop wider than the image, which is then filled up. */
const padded: ImageSpec = { ...squash, fit: 'cover', resizeTo: 24 }

const image = (width: number, height: number, seed: number) => {
  const next = numbers(seed)
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, () => 60 + Math.floor(100 * next())),
  }
}

/** How far both sides are apart, for a large and smooth d, so that roundings to 8 bits weigh little, and random g. */
function products(of: (p: ReturnType<typeof image>) => Views, width: number, height: number) {
  const next = numbers(9)
  const base = image(width, height, 1)
  const change = new Float32Array(base.data.length)
  for (let i = 0; i < change.length; i++) {
    const [x, y] = [((i / 3) | 0) % width, (i / 3 / width) | 0]
    change[i] = Math.round(45 * Math.sin(x * (4 / width) + (i % 3)) * Math.cos(y * (3 / height)))
  }
  const moved = { ...base, data: base.data.map((v, i) => v + change[i]!) }
  const all = (views: Views) => views.pixels(0, views.count)
  const [there, from] = [all(of(moved)), all(of(base))]
  const pairs = Array.from({ length: 8 }, () => {
    const g = there.map(() => next() - 0.5)
    const out = new Float32Array(base.data.length)
    const views = of(base)
    const size = g.length / views.count
    for (let i = 0; i < views.count; i++) views.accumulate(i, g.subarray(i * size, (i + 1) * size))
    views.addGradient(out)
    const left = g.reduce((sum, v, i) => sum + v * (there[i]! - from[i]!), 0)
    const right = out.reduce((sum, v, i) => sum + (v * change[i]!) / 255, 0)
    return [left, right] as const
  })
  const norm = Math.hypot(...pairs.map(([left]) => left))
  return Math.hypot(...pairs.map(([left, right]) => left - right)) / norm
}

describe('views and their transposes', () => {
  it.each([
    ['squash, shrunk', squash, 90, 50],
    ['squash, enlarged', squash, 20, 11],
    ['squash, same size', squash, 32, 32],
    ['cover, shrunk', cover, 100, 61],
    ['cover, enlarged', cover, 13, 21],
    ['filled up', padded, 60, 60],
    ['nearest', { ...squash, filter: 'nearest' } as ImageSpec, 50, 40],
    ['lanczos', { ...squash, filter: 'lanczos' } as ImageSpec, 77, 40],
  ])('plain: %s', (_, spec, width, height) => {
    expect(products((p) => plainView(p, spec), width, height)).toBeLessThan(0.04)
  })

  it.each([
    ['of a large image', 200, 120],
    ['of a small one', 40, 30],
    ['of a single pixel', 1, 1],
  ])('cutouts %s', (_, width, height) => {
    const choices: CutoutChoice[] = [0, 0.5, 1].map((grey) => ({ grey, size: [0.8, 1], turn: 0 }))
    choices.push({ grey: 0.5, size: [0.85, 1.35], turn: 0.15 })
    for (const choice of choices)
      for (let count = 1; count < 4; count++)
        expect(products((p) => cutoutViews(p, squash, count, 5, choice), width, height)).toBeLessThan(0.04)
  })

  it('beyond the border the border goes on', () => {
    const plain = { data: new Uint8Array(40 * 40 * 3).fill(200), width: 40, height: 40 }
    const pixels = (choice?: CutoutChoice) => cutoutViews(plain, squash, 1, 3, choice).pixels(0, 1)
    const [inside, beyond] = [pixels(), pixels({ grey: 0, size: [2, 2], turn: 1 })]
    for (const seen of [inside, beyond]) {
      // One colour, but for its tint: each plane holds one value.
      const area = seen.length / 3
      for (let c = 0; c < 3; c++)
        for (const value of seen.subarray(c * area, (c + 1) * area))
          expect(value).toBeCloseTo(seen[c * area]!, 4)
    }
  })

  it('cutouts differ from each other and stay inside', () => {
    const views = cutoutViews(image(100, 60, 1), squash, 8, 1)
    const each = Array.from({ length: 8 }, (_, i) => views.pixels(i, i + 1))
    expect(new Set(each.map((pixels) => pixels.slice(0, 50).join())).size).toBe(8)
    for (const pixels of each) expect(pixels.every(Number.isFinite)).toBe(true)
    // A part of them is the same as alone.
    expect(views.pixels(3, 5)).toEqual(Float32Array.from([...each[3]!, ...each[4]!]))
  })
})
