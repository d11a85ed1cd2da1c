import { fitImage, fitOf } from '../fit.ts'
import type { ImageSpec } from '../image-spec.ts'
import { unitNormalisation } from '../normalise.ts'
import type { Raster } from '../raster.ts'
import { resampleBack } from '../resample/resample.ts'
import type { Views } from './views.ts'

/** The image as `embed` sees it. Its roundings to 8 bits count as the identity. */
export function plainView(image: Raster, spec: ImageSpec): Views {
  const { width, height, crop, left, top } = fitOf(image, spec)
  const accumulated = new Float32Array(crop.width * crop.height * 3)
  return {
    count: 1,
    pixels: () => toPlanes(fitImage(image, spec), spec),
    accumulate(_, gradient) {
      const whole = fromPlanes(gradient, spec)
      for (let y = 0; y < crop.height; y++) {
        const from = ((top + y) * spec.width + left) * 3
        for (let i = 0; i < crop.width * 3; i++) accumulated[y * crop.width * 3 + i]! += whole[from + i]!
      }
    },
    addGradient: (out) => resampleBack(accumulated, image, width, height, spec.filter, crop, out),
  }
}

/** 8-bit RGB as normalised planes. */
function toPlanes(rgb: Uint8Array, spec: ImageSpec): Float32Array {
  const { factor, shift } = unitNormalisation(spec)
  const area = rgb.length / 3
  const out = new Float32Array(rgb.length)
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) out[c * area + p] = (rgb[p * 3 + c]! / 255) * factor[c]! + shift[c]!
  return out
}

/** A gradient with respect to the normalised planes, as one with respect to RGB in 0..1, row-major. */
function fromPlanes(gradient: Float32Array, spec: ImageSpec): Float32Array {
  const { factor } = unitNormalisation(spec)
  const area = gradient.length / 3
  const out = new Float32Array(gradient.length)
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) out[p * 3 + c] = gradient[c * area + p]! * factor[c]!
  return out
}
