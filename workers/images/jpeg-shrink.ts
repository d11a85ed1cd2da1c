/** Large JPEGs: libjpeg and libvips bring them to the encoder's input in half the time of `resample`. */
import type { KernelEnum, Metadata } from 'sharp'
import { type Fit, fitOf } from './fit.ts'
import type { ImageSpec } from './image-spec.ts'

export interface Shrink {
  fit: Fit
  kernel: keyof KernelEnum
  fastShrinkOnLoad: boolean
}

/** libvips' names of Pillow's filters; it lacks the others. */
const kernels: Partial<Record<ImageSpec['filter'], keyof KernelEnum>> = {
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
}

/** A JPEG is large when its edges are this many times those of the resized image. */
const minShrink = 3

/**
 * How to shrink a JPEG while it decodes; null when it is not large, or libvips lacks the filter. libjpeg halves the
 * edges as long as they stay 1.75 times as long as needed, and the filter does the rest. Pixels of line drawings then
 * keep a cosine of 0.997 to those of the whole image, those of photographs 0.9995: libjpeg rounds edges up, which moves
 * the far ones by a quarter of a pixel at most.
 */
export function shrinkOf({ autoOrient }: Metadata, spec: ImageSpec): Shrink | null {
  const kernel = kernels[spec.filter]
  const fit = fitOf(autoOrient, spec)
  const factor = Math.min(autoOrient.width / fit.width, autoOrient.height / fit.height)
  if (!kernel || factor < minShrink) return null
  // sharp lets libjpeg divide by 2 from a factor of 4 on, by 4 from 8, by 8 from 16. With fastShrinkOnLoad it divides
  // by 2 already below 5, and from 5 on by too much.
  return { fit, kernel, fastShrinkOnLoad: factor >= 3.5 && factor < 5 }
}
