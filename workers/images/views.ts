/** What the encoder sees of an image, and the way back: each view's transpose carries a gradient to the image. */

import { uniform } from '../random.ts'
import type { ImageSpec } from './image-spec.ts'
import { fit, fitOf } from './preprocess.ts'
import type { Raster } from './raster.ts'
import { resample, resampleBack } from './resample/resample.ts'

/** Views of one image. Gradients with respect to them add up to one with respect to the image. */
export interface Views {
  readonly count: number
  /** The encoder's inputs from view `from` on, [to - from, 3, height, width], normalised, one after the other. */
  pixels(from: number, to: number): Float32Array
  /** Takes gradients with respect to these inputs. */
  accumulate(from: number, gradients: Float32Array): void
  /** Adds the gradient with respect to the image for all that was taken: row-major RGB in units of 0..1. */
  addGradient(out: Float32Array): void
}

/** The image as `embed` sees it. Its roundings to 8 bits count as the identity. */
export function plainView(image: Raster, spec: ImageSpec): Views {
  const { width, height, crop, left, top } = fitOf(image, spec)
  const taken = new Float32Array(crop.width * crop.height * 3)
  return {
    count: 1,
    pixels: () => normalised(fit(image, spec), spec),
    accumulate(_, gradient) {
      const whole = interleaved(gradient, spec)
      for (let y = 0; y < crop.height; y++) {
        const from = ((top + y) * spec.width + left) * 3
        for (let i = 0; i < crop.width * 3; i++) taken[y * crop.width * 3 + i]! += whole[from + i]!
      }
    },
    addGradient: (out) => resampleBack(taken, image, width, height, spec.filter, crop, out),
  }
}

/** Edge of what cutouts are taken from, in encoder edges: a cutout of two thirds of it is about as large as the input. */
const workingEdge = 1.5

/** How cutouts are chosen. */
export interface CutoutChoice {
  /** Share of them in grey. */
  grey: number
  /** Least and greatest edge of a cutout, in parts of the image's short edge: above 1, its border goes on outside. */
  size: readonly [number, number]
  /** How far a cutout may be turned, in radians. */
  turn: number
}

const insideOnly: CutoutChoice = { grey: 0, size: [0.8, 1], turn: 0 }
/** How far a corner may wander, in parts of the cutout's edge. */
const warp = 0.1
/** How much lighter or darker a channel may get. */
const tint = 0.1

/**
 * Random views (cutouts, Crowson 2021): squares at random places and of random size, their corners moved a little, so
 * that they are seen in perspective, and their colours changed a little. Sampled bilinearly. The same seed gives the
 * same views.
 */
export function cutoutViews(
  image: Raster,
  spec: ImageSpec,
  count: number,
  seed: number,
  choice: CutoutChoice = insideOnly,
): Views {
  const edge = Math.max(spec.width, spec.height) * workingEdge
  const scale = Math.min(1, edge / Math.min(image.width, image.height))
  const width = Math.max(1, Math.round(image.width * scale))
  const height = Math.max(1, Math.round(image.height * scale))
  const crop = { left: 0, top: 0, width, height }
  const working = scale === 1 ? image : resample(image, width, height, 'bicubic', crop)
  const random = uniform(seed)
  const cutouts = Array.from({ length: count }, () => {
    const corners = randomCorners(width, height, choice, random)
    return { corners, tone: randomTone(random, choice.grey) }
  })
  const size = spec.width * spec.height * 3
  const taken = new Float32Array(width * height * 3)
  return {
    count,
    pixels(from, to) {
      const out = new Float32Array((to - from) * size)
      for (const [i, { corners, tone }] of cutouts.slice(from, to).entries())
        bilinearSampler(corners, working, spec).sample(
          working.data,
          tone,
          out.subarray(i * size, (i + 1) * size),
        )
      return out
    },
    accumulate(from, gradients) {
      for (let i = 0; i < gradients.length / size; i++) {
        const { corners, tone } = cutouts[from + i]!
        const gradient = gradients.subarray(i * size, (i + 1) * size)
        bilinearSampler(corners, working, spec).scatter(gradient, tone, taken)
      }
    },
    addGradient(out) {
      if (scale === 1) for (let i = 0; i < out.length; i++) out[i]! += taken[i]!
      else resampleBack(taken, image, width, height, 'bicubic', crop, out)
    },
  }
}

/** A 3 x 3 matrix that maps colours, row-major. */
type Tone = readonly number[]

/** Channels a little lighter or darker; some in grey, where shapes must tell what colours would. */
function randomTone(random: () => number, greyShare: number): Tone {
  const gain = [0, 1, 2].map(() => 1 + tint * (2 * random() - 1))
  const grey = random() < greyShare
  return gain.flatMap((of, c) => luminance.map((share, d) => of * (grey ? share : +(c === d))))
}

/** ITU-R BT.601. */
const luminance = [0.299, 0.587, 0.114]

type Corners = readonly [number, number][]

/** A square's corners, clockwise from the top left, each moved on its own; inside of the image where it is no larger. */
function randomCorners(
  width: number,
  height: number,
  { size, turn }: CutoutChoice,
  random: () => number,
): Corners {
  const edge = Math.min(width, height) * (size[0] + (size[1] - size[0]) * random())
  const middle = [width, height].map((whole) => (whole - edge) * random() + edge / 2) as [number, number]
  const angle = turn * (2 * random() - 1)
  const [cos, sin] = [Math.cos(angle) / 2, Math.sin(angle) / 2]
  const move = () => warp * (2 * random() - 1)
  const inside = (value: number, most: number) => (size[1] > 1 ? value : Math.min(most, Math.max(0, value)))
  return [
    [-cos + sin, -sin - cos],
    [cos + sin, sin - cos],
    [cos - sin, sin + cos],
    [-cos - sin, -sin + cos],
  ].map(([x, y]) => [
    inside(middle[0] + edge * (x! + move()), width),
    inside(middle[1] + edge * (y! + move()), height),
  ])
}

/** Reads four neighbours for each pixel of the encoder's input, where the projective map of its corners puts it. */
function bilinearSampler(corners: Corners, source: { width: number; height: number }, spec: ImageSpec) {
  const area = spec.width * spec.height
  const at = new Int32Array(area * 4)
  const weights = new Float32Array(area * 4)
  const map = projection(corners)
  for (let y = 0, p = 0; y < spec.height; y++)
    for (let x = 0; x < spec.width; x++, p++) {
      const [sx, sy] = map((x + 0.5) / spec.width, (y + 0.5) / spec.height)
      const fx = Math.min(source.width - 1, Math.max(0, sx - 0.5))
      const fy = Math.min(source.height - 1, Math.max(0, sy - 0.5))
      const [x0, y0] = [Math.floor(fx), Math.floor(fy)]
      const [x1, y1] = [Math.min(x0 + 1, source.width - 1), Math.min(y0 + 1, source.height - 1)]
      const [ax, ay] = [fx - x0, fy - y0]
      at.set(
        [y0 * source.width + x0, y0 * source.width + x1, y1 * source.width + x0, y1 * source.width + x1],
        p * 4,
      )
      weights.set([(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay], p * 4)
    }
  const { shift, factor } = normalisation(spec)
  return {
    sample(data: Uint8Array, tone: Tone, out: Float32Array): void {
      const rgb = [0, 0, 0]
      for (let p = 0; p < area; p++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0
          for (let k = p * 4; k < p * 4 + 4; k++) sum += weights[k]! * data[at[k]! * 3 + c]!
          rgb[c] = sum / 255
        }
        for (let c = 0; c < 3; c++) {
          const value = tone[c * 3]! * rgb[0]! + tone[c * 3 + 1]! * rgb[1]! + tone[c * 3 + 2]! * rgb[2]!
          out[c * area + p] = value * factor[c]! + shift[c]!
        }
      }
    },
    scatter(gradient: Float32Array, tone: Tone, out: Float32Array): void {
      for (let p = 0; p < area; p++)
        for (let d = 0; d < 3; d++) {
          let g = 0
          for (let c = 0; c < 3; c++) g += tone[c * 3 + d]! * gradient[c * area + p]! * factor[c]!
          for (let k = p * 4; k < p * 4 + 4; k++) out[at[k]! * 3 + d]! += weights[k]! * g
        }
    },
  }
}

/** The projective map of the unit square onto four corners (Heckbert 1989, "Fundamentals of Texture Mapping", 2.2.3). */
function projection(corners: Corners): (u: number, v: number) => [number, number] {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners as [
    [number, number],
    [number, number],
    [number, number],
    [number, number],
  ]
  const [sx, sy] = [x0 - x1 + x2 - x3, y0 - y1 + y2 - y3]
  const [dx1, dx2, dy1, dy2] = [x1 - x2, x3 - x2, y1 - y2, y3 - y2]
  const determinant = dx1 * dy2 - dx2 * dy1
  const g = (sx * dy2 - dx2 * sy) / determinant
  const h = (dx1 * sy - sx * dy1) / determinant
  const [a, b] = [x1 - x0 + g * x1, x3 - x0 + h * x3]
  const [d, e] = [y1 - y0 + g * y1, y3 - y0 + h * y3]
  return (u, v) => {
    const w = g * u + h * v + 1
    return [(a * u + b * v + x0) / w, (d * u + e * v + y0) / w]
  }
}

/** Normalised value = value in 0..1 x factor + shift, for each channel. */
function normalisation({ rescale, mean, std }: ImageSpec) {
  return { factor: std.map((s) => (255 * rescale) / s), shift: mean.map((m, c) => -m / std[c]!) }
}

function normalised(rgb: Uint8Array, spec: ImageSpec): Float32Array {
  const { factor, shift } = normalisation(spec)
  const area = rgb.length / 3
  const out = new Float32Array(rgb.length)
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) out[c * area + p] = (rgb[p * 3 + c]! / 255) * factor[c]! + shift[c]!
  return out
}

/** A gradient with respect to the normalised planes, as one with respect to RGB in 0..1, row-major. */
function interleaved(gradient: Float32Array, spec: ImageSpec): Float32Array {
  const { factor } = normalisation(spec)
  const area = gradient.length / 3
  const out = new Float32Array(gradient.length)
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) out[p * 3 + c] = gradient[c * area + p]! * factor[c]!
  return out
}
