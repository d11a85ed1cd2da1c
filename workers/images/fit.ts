/** Geometry of the encoder's input: resize and centre crop with the reference's roundings. */
import type { ImageSpec } from './image-spec.ts'
import type { Crop, Raster } from './raster.ts'
import { resample } from './resample/resample.ts'

/** How an image becomes the encoder's input: resized, cropped to its centre, laid at (left, top) on black. */
export interface Fit {
  /** Size of the whole image after the resize. */
  width: number
  height: number
  crop: Crop
  left: number
  top: number
}

/** Resize and centre crop with the roundings of Hugging Face's CLIPImageProcessor. */
export function fitOf(source: { width: number; height: number }, spec: ImageSpec): Fit {
  const scaled = (long: number, short: number) => Math.max(1, Math.trunc((spec.resizeTo * long) / short))
  const [width, height] =
    spec.fit === 'squash'
      ? [spec.width, spec.height]
      : source.width <= source.height
        ? [spec.resizeTo, scaled(source.height, source.width)]
        : [scaled(source.width, source.height), spec.resizeTo]
  const crop = {
    left: Math.max(0, Math.floor((width - spec.width) / 2)),
    top: Math.max(0, Math.floor((height - spec.height) / 2)),
    width: Math.min(width, spec.width),
    height: Math.min(height, spec.height),
  }
  const left = Math.ceil((spec.width - crop.width) / 2)
  const top = Math.ceil((spec.height - crop.height) / 2)
  return { width, height, crop, left, top }
}

/** The encoder's input as 8-bit RGB. */
export function fitImage(source: Raster, spec: ImageSpec): Uint8Array {
  const fit = fitOf(source, spec)
  return padWithBlack(resample(source, fit.width, fit.height, spec.filter, fit.crop), fit, spec)
}

/** Surrounds an image that is smaller than the encoder's input with black, as the reference does. */
export function padWithBlack(image: Raster, { left, top }: Fit, spec: ImageSpec): Uint8Array {
  if (image.width === spec.width && image.height === spec.height) return image.data
  const out = new Uint8Array(spec.width * spec.height * 3)
  for (let y = 0; y < image.height; y++)
    out.set(
      image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3),
      ((top + y) * spec.width + left) * 3,
    )
  return out
}
