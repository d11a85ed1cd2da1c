/**
 * Pillow's resampling (libImaging/Resample.c), bit for bit on 8-bit pixels: separable, antialiased by widening the
 * filter when shrinking, fixed-point weights, each pass rounded to 8 bits. Reference encoders were trained on it, and
 * other resizers move the embedding.
 */
import type { Crop, FilterName, Raster } from '../raster.ts'
import { across, down } from './simd.ts'
import type { Taps } from './taps.ts'

interface Filter {
  support: number
  weight(x: number): number
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** Pillow's filters. Bicubic is Keys' with a = -0.5. */
const filters: Record<string, Filter> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => (x === 0 ? 1 : Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))),
  },
  bicubic: {
    support: 2,
    weight(x) {
      const a = -0.5
      const t = Math.abs(x)
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0
    },
  },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Bits of the fixed-point weights: 32 less 8 of the pixel less 2 of headroom. */
const precision = 32 - 8 - 2

/** Weights of the outputs first..first+count of a line of `input` samples resized to `output`. */
function taps(input: number, output: number, first: number, count: number, filter: Filter): Taps {
  const scale = input / output
  const filterScale = Math.max(scale, 1)
  const support = filter.support * filterScale
  const stride = Math.ceil(support) * 2 + 1
  const bounds = new Int32Array(count * 2)
  const weights = new Int32Array(count * stride)
  const raw = new Float64Array(stride)
  for (let i = 0; i < count; i++) {
    const center = (first + i + 0.5) * scale
    const low = Math.max(0, Math.trunc(center - support + 0.5))
    const n = Math.min(input, Math.trunc(center + support + 0.5)) - low
    let sum = 0
    for (let k = 0; k < n; k++) {
      raw[k] = filter.weight((k + low - center + 0.5) / filterScale)
      sum += raw[k]!
    }
    for (let k = 0; k < n; k++) {
      const weight = sum === 0 ? raw[k]! : raw[k]! / sum
      weights[i * stride + k] = Math.trunc(weight * (1 << precision) + (weight < 0 ? -0.5 : 0.5))
    }
    bounds[i * 2] = low
    bounds[i * 2 + 1] = n
  }
  return { bounds, weights, stride }
}

/**
 * Resizes an RGB raster to `width` x `height` and returns the crop of it, which must lie inside. Computes only the rows
 * and columns that the crop needs.
 */
export function resample(
  source: Raster,
  width: number,
  height: number,
  name: FilterName,
  crop: Crop,
): Raster {
  if (name === 'nearest') return nearest(source, width, height, crop)
  const filter = filters[name]!
  // Pillow skips a pass that changes nothing.
  const columns = source.width === width ? null : taps(source.width, width, crop.left, crop.width, filter)
  const lines = source.height === height ? null : taps(source.height, height, crop.top, crop.height, filter)
  // The rows that the second pass reads.
  const last = (crop.height - 1) * 2
  const first = lines ? lines.bounds[0]! : crop.top
  const rows = lines ? lines.bounds[last]! + lines.bounds[last + 1]! - first : crop.height
  const wide = columns
    ? across(source, columns, crop.width, first, rows)
    : copyColumns(source, crop, first, rows)
  const data = lines ? down(wide, lines, crop.width * 3, crop.height, first) : wide
  return { data, width: crop.width, height: crop.height }
}

/**
 * The transpose of `resample` without its roundings: from the gradient with respect to the crop, row-major RGB, to that
 * with respect to the source, added into `out`.
 */
export function resampleBack(
  gradient: Float32Array,
  source: { width: number; height: number },
  width: number,
  height: number,
  name: FilterName,
  crop: Crop,
  out: Float32Array,
): void {
  const [across, down] =
    name === 'nearest'
      ? [
          nearestTaps(source.width, width, crop.left, crop.width),
          nearestTaps(source.height, height, crop.top, crop.height),
        ]
      : [
          taps(source.width, width, crop.left, crop.width, filters[name]!),
          taps(source.height, height, crop.top, crop.height, filters[name]!),
        ]
  const line = new Float32Array(source.width * 3)
  for (let y = 0; y < crop.height; y++) {
    line.fill(0)
    for (let x = 0; x < crop.width; x++) {
      const g = (y * crop.width + x) * 3
      const first = across.bounds[x * 2]! * 3
      for (let k = 0; k < across.bounds[x * 2 + 1]!; k++) {
        const weight = across.weights[x * across.stride + k]! / one
        for (let c = 0; c < 3; c++) line[first + k * 3 + c]! += weight * gradient[g + c]!
      }
    }
    const first = down.bounds[y * 2]!
    for (let k = 0; k < down.bounds[y * 2 + 1]!; k++) {
      const weight = down.weights[y * down.stride + k]! / one
      const to = (first + k) * line.length
      for (let i = 0; i < line.length; i++) out[to + i]! += weight * line[i]!
    }
  }
}

const one = 1 << precision

/** The same as taps for the nearest neighbour: one weight of 1 each. */
function nearestTaps(input: number, output: number, first: number, count: number): Taps {
  const bounds = new Int32Array(count * 2).fill(1)
  for (let i = 0; i < count; i++)
    bounds[i * 2] = Math.min(input - 1, Math.floor(((first + i + 0.5) * input) / output))
  return { bounds, weights: new Int32Array(count).fill(one), stride: 1 }
}

function copyColumns(source: Raster, crop: Crop, firstRow: number, rows: number): Uint8Array {
  const out = new Uint8Array(rows * crop.width * 3)
  for (let y = 0; y < rows; y++) {
    const from = ((firstRow + y) * source.width + crop.left) * 3
    out.set(source.data.subarray(from, from + crop.width * 3), y * crop.width * 3)
  }
  return out
}

function nearest(source: Raster, width: number, height: number, crop: Crop): Raster {
  const data = new Uint8Array(crop.width * crop.height * 3)
  for (let y = 0; y < crop.height; y++) {
    const sy = Math.min(source.height - 1, Math.floor(((crop.top + y + 0.5) * source.height) / height))
    for (let x = 0; x < crop.width; x++) {
      const sx = Math.min(source.width - 1, Math.floor(((crop.left + x + 0.5) * source.width) / width))
      const from = (sy * source.width + sx) * 3
      data.set(source.data.subarray(from, from + 3), (y * crop.width + x) * 3)
    }
  }
  return { data, width: crop.width, height: crop.height }
}
