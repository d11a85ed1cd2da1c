import { uniform } from '../../random.ts'
import type { ImageSpec } from '../image-spec.ts'
import type { Raster } from '../raster.ts'
import { resample, resampleBack } from '../resample/resample.ts'
import { bilinearSampler } from './bilinear-sampler.ts'
import { type CutoutChoice, randomCutout } from './random-cutout.ts'
import type { Views } from './views.ts'

/**
 * Edge of the working image, which cutouts are sampled from, in encoder edges: a cutout of two thirds of it is about as
 * large as the encoder's input.
 */
const workingEdge = 1.5

const insideOnly: CutoutChoice = { grey: 0, size: [0.8, 1], turn: 0 }

/**
 * Random views (cutouts, Crowson 2021): squares at random places and of random size, in perspective and in changed
 * colours. Sampled bilinearly. The same seed gives the same views.
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
  const cutouts = Array.from({ length: count }, () => randomCutout(width, height, choice, random))
  const size = spec.width * spec.height * 3
  const accumulated = new Float32Array(width * height * 3)
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
        bilinearSampler(corners, working, spec).scatter(gradient, tone, accumulated)
      }
    },
    addGradient(out) {
      if (scale === 1) for (let i = 0; i < out.length; i++) out[i]! += accumulated[i]!
      else resampleBack(accumulated, image, width, height, 'bicubic', crop, out)
    },
  }
}
