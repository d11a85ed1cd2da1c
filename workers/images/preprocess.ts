/** Reference preprocessing: from an image file to the pixels that the reference implementation feeds the encoder. */
import { toRgb } from './colour.ts'
import { decodeRaw } from './decode.ts'
import { fitImage, padWithBlack } from './fit.ts'
import type { ImageSpec } from './image-spec.ts'
import { shrinkOf } from './jpeg-shrink.ts'
import { type ImageLimits, imageError, imageHeader } from './open.ts'

/**
 * RGB pixels of the encoder's input, `spec.height * spec.width * 3` bytes, before rescaling and normalising (see
 * normalise.ts). The memory is free to be transferred to another thread.
 * @throws ItemError when the image cannot be used
 */
export async function decodePixels(
  bytes: Uint8Array,
  spec: ImageSpec,
  limits: ImageLimits,
): Promise<Uint8Array> {
  const header = await imageHeader(bytes, limits)
  try {
    const shrink = header.format === 'jpeg' ? shrinkOf(header, spec) : null
    const image = toRgb(await decodeRaw(bytes, header, spec, limits, { shrink }))
    if (!shrink) return fitImage(image, spec)
    return padWithBlack({ ...image, data: new Uint8Array(image.data) }, shrink.fit, spec)
  } catch (error) {
    throw imageError(error)
  }
}
