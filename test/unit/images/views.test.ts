/** A view's gradient is the transpose of the view: <views(p + d) - views(p), g> = <d, gradient for g>. */

import { describe, expect, it } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { cutoutViews } from '../../../workers/images/views/cutout-views.ts'
import { plainView } from '../../../workers/images/views/plain-view.ts'
import type { CutoutChoice } from '../../../workers/images/views/random-cutout.ts'
import type { Views } from '../../../workers/images/views/views.ts'
import { uniform } from '../../../workers/random.ts'

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
/** The crop is wider than the image, so black surrounds it. */
const padded: ImageSpec = { ...squash, fit: 'cover', resizeTo: 24 }

const image = (width: number, height: number, seed: number) => {
  const next = uniform(seed)
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, () => 60 + Math.floor(100 * next())),
  }
}

/** Relative difference of both sides, for random g and a large, smooth d: roundings to 8 bits then weigh little. */
function transposeError(viewsOf: (p: ReturnType<typeof image>) => Views, width: number, height: number) {
  const next = uniform(9)
  const base = image(width, height, 1)
  const change = new Float32Array(base.data.length)
  for (let i = 0; i < change.length; i++) {
    const [x, y] = [((i / 3) | 0) % width, (i / 3 / width) | 0]
    change[i] = Math.round(45 * Math.sin(x * (4 / width) + (i % 3)) * Math.cos(y * (3 / height)))
  }
  const moved = { ...base, data: base.data.map((v, i) => v + change[i]!) }
  const all = (views: Views) => views.pixels(0, views.count)
  const [there, from] = [all(viewsOf(moved)), all(viewsOf(base))]
  const pairs = Array.from({ length: 8 }, () => {
    const g = there.map(() => next() - 0.5)
    const out = new Float32Array(base.data.length)
    const views = viewsOf(base)
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

describe('views', () => {
  it.each([
    ['squashed and shrunk', squash, 90, 50],
    ['squashed and enlarged', squash, 20, 11],
    ['of the encoder size', squash, 32, 32],
    ['covering and shrunk', cover, 100, 61],
    ['covering and enlarged', cover, 13, 21],
    ['padded with black', padded, 60, 60],
    ['resampled by nearest neighbour', { ...squash, filter: 'nearest' } as ImageSpec, 50, 40],
    ['resampled by lanczos', { ...squash, filter: 'lanczos' } as ImageSpec, 77, 40],
  ])('the gradient of a plain view %s is its transpose', (_, spec, width, height) => {
    expect(transposeError((p) => plainView(p, spec), width, height)).toBeLessThan(0.04)
  })

  it.each([
    ['of a large image', 200, 120],
    ['of a small image', 40, 30],
    ['of a single pixel', 1, 1],
  ])('the gradient of cutouts %s is their transpose', (_, width, height) => {
    const choices: CutoutChoice[] = [0, 0.5, 1].map((grey) => ({ grey, size: [0.8, 1], turn: 0 }))
    choices.push({ grey: 0.5, size: [0.85, 1.35], turn: 0.15 })
    for (const choice of choices)
      for (let count = 1; count < 4; count++)
        expect(transposeError((p) => cutoutViews(p, squash, count, 5, choice), width, height)).toBeLessThan(
          0.04,
        )
  })

  it('a cutout that reaches beyond the image continues its border', () => {
    const plain = { data: new Uint8Array(40 * 40 * 3).fill(200), width: 40, height: 40 }
    const pixels = (choice?: CutoutChoice) => cutoutViews(plain, squash, 1, 3, choice).pixels(0, 1)
    const [inside, beyond] = [pixels(), pixels({ grey: 0, size: [2, 2], turn: 1 })]
    for (const view of [inside, beyond]) {
      // The tint changes the one colour, but each plane still holds one value.
      const area = view.length / 3
      for (let c = 0; c < 3; c++)
        for (const value of view.subarray(c * area, (c + 1) * area))
          expect(value).toBeCloseTo(view[c * area]!, 4)
    }
  })

  it('cutouts differ from each other, and a range of them equals each alone', () => {
    const views = cutoutViews(image(100, 60, 1), squash, 8, 1)
    const each = Array.from({ length: 8 }, (_, i) => views.pixels(i, i + 1))
    expect(new Set(each.map((pixels) => pixels.slice(0, 50).join())).size).toBe(8)
    for (const pixels of each) expect(pixels.every(Number.isFinite)).toBe(true)
    expect(views.pixels(3, 5)).toEqual(Float32Array.from([...each[3]!, ...each[4]!]))
  })
})
