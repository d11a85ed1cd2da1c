import type { ImageSpec } from '../image-spec.ts'
import { unitNormalisation } from '../normalise.ts'
import { type Corners, projection } from './projection.ts'
import type { Tone } from './random-cutout.ts'

export interface Sampler {
  /** Writes one cutout as the encoder's input: normalised planes. */
  sample(data: Uint8Array, tone: Tone, out: Float32Array): void
  /** The transpose: adds the gradient with respect to that input to the one with respect to the source. */
  scatter(gradient: Float32Array, tone: Tone, out: Float32Array): void
}

/** Reads four neighbours for each pixel of the encoder's input, at the place that the corners' projection gives. */
export function bilinearSampler(
  corners: Corners,
  source: { width: number; height: number },
  spec: ImageSpec,
): Sampler {
  const area = spec.width * spec.height
  const indices = new Int32Array(area * 4)
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
      indices.set(
        [y0 * source.width + x0, y0 * source.width + x1, y1 * source.width + x0, y1 * source.width + x1],
        p * 4,
      )
      weights.set([(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay], p * 4)
    }
  const { shift, factor } = unitNormalisation(spec)
  return {
    sample(data, tone, out) {
      const rgb = [0, 0, 0]
      for (let p = 0; p < area; p++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0
          for (let k = p * 4; k < p * 4 + 4; k++) sum += weights[k]! * data[indices[k]! * 3 + c]!
          rgb[c] = sum / 255
        }
        for (let c = 0; c < 3; c++) {
          const value = tone[c * 3]! * rgb[0]! + tone[c * 3 + 1]! * rgb[1]! + tone[c * 3 + 2]! * rgb[2]!
          out[c * area + p] = value * factor[c]! + shift[c]!
        }
      }
    },
    scatter(gradient, tone, out) {
      for (let p = 0; p < area; p++)
        for (let d = 0; d < 3; d++) {
          let g = 0
          for (let c = 0; c < 3; c++) g += tone[c * 3 + d]! * gradient[c * area + p]! * factor[c]!
          for (let k = p * 4; k < p * 4 + 4; k++) out[indices[k]! * 3 + d]! += weights[k]! * g
        }
    },
  }
}
