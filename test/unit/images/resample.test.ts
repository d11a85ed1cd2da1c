import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Raster } from '../../../workers/images/raster.ts'
import { assemble } from '../../../workers/images/resample/assemble.ts'
import { resample } from '../../../workers/images/resample/resample.ts'
import { across, down } from '../../../workers/images/resample/simd.ts'
import type { Taps } from '../../../workers/images/resample/taps.ts'
import { uniform } from '../../../workers/random.ts'

const half = 1 << 21

function image(width: number, height: number): Raster {
  const random = uniform(width * 1000 + height)
  // Hard edges, which overshoot at both ends.
  const data = Uint8Array.from({ length: width * height * 3 }, () =>
    random() < 0.7 ? (random() < 0.5 ? 0 : 255) : random() * 256,
  )
  return { data, width, height }
}

/** Random weights that add up to about one, at random places. */
function randomTaps(input: number, outputs: number, stride: number): Taps {
  const random = uniform(input + outputs * 7 + stride)
  const bounds = new Int32Array(outputs * 2)
  const weights = new Int32Array(outputs * stride)
  for (let i = 0; i < outputs; i++) {
    const n = Math.min(input, 1 + Math.floor(random() * stride))
    bounds[i * 2] = Math.floor(random() * (input - n + 1))
    bounds[i * 2 + 1] = n
    const raw = Array.from({ length: n }, () => random() - 0.3)
    const sum = raw.reduce((a, b) => a + Math.abs(b), 0)
    for (const [k, weight] of raw.entries())
      weights[i * stride + k] = Math.trunc((weight / sum) * 2 ** 22 * 1.4)
  }
  return { bounds, weights, stride }
}

/** Sum of taps, rounded and clamped as Pillow does. */
function summed(taps: Taps, output: number, sample: (tap: number) => number): number {
  let sum = half
  for (let k = 0; k < taps.bounds[output * 2 + 1]!; k++)
    sum += sample(taps.bounds[output * 2]! + k) * taps.weights[output * taps.stride + k]!
  return Math.max(0, Math.min(255, sum >> 22))
}

describe('the passes of resampling', () => {
  const sizes = [
    [1, 1, 1, 1],
    [2, 3, 7, 2],
    [5, 4, 3, 5],
    [17, 9, 8, 6],
    [200, 33, 31, 15],
    [1000, 3, 224, 29],
    // A line longer than a strip.
    [400_000, 2, 3, 40],
    // More lines than a strip holds.
    [1500, 700, 5, 16],
  ] as const

  test.each(sizes)(
    'across gives the plain sums for %d x %d to %d with %d taps',
    (width, height, outputs, stride) => {
      const source = image(width, height)
      const taps = randomTaps(width, outputs, stride)
      const first = height >> 1
      const found = across(source, taps, outputs, first, height - first)
      const expected = Uint8Array.from({ length: (height - first) * outputs * 3 }, (_, at) => {
        const [c, x, y] = [at % 3, Math.floor(at / 3) % outputs, first + Math.floor(at / 3 / outputs)]
        return summed(taps, x, (column) => source.data[(y * width + column) * 3 + c]!)
      })
      expect(Buffer.compare(found, expected)).toBe(0)
    },
  )

  test.each(sizes)(
    'down gives the plain sums for %d x %d to %d with %d taps',
    (height, width, outputs, stride) => {
      const { data } = image(width, height)
      const taps = randomTaps(height, outputs, stride)
      const found = down(data, taps, width * 3, outputs, 0)
      const expected = Uint8Array.from({ length: outputs * width * 3 }, (_, at) =>
        summed(taps, Math.floor(at / width / 3), (row) => data[row * width * 3 + (at % (width * 3))]!),
      )
      expect(Buffer.compare(found, expected)).toBe(0)
    },
  )
})

test('an image that took much memory does not change the next one', () => {
  const wide = image(3_000_000, 2)
  const small = image(9, 9)
  const crop = { left: 0, top: 0, width: 4, height: 4 }
  const before = resample(small, 4, 4, 'lanczos', crop)
  resample(wide, 4, 4, 'lanczos', crop)
  expect(resample(small, 4, 4, 'lanczos', crop)).toEqual(before)
})

test('resample.wasm equals resample.wat when it is assembled', async () => {
  const committed = readFileSync(new URL('../../../workers/images/resample/resample.wasm', import.meta.url))
  expect(Buffer.compare(committed, await assemble())).toBe(0)
})
