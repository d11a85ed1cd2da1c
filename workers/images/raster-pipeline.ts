/** The one pipeline of sharp by which rasters are decoded. */
import sharp, { type ResizeOptions, type Sharp, type SharpOptions } from 'sharp'
import { firstFrame } from './bounds/first-frame.ts'
import type { Shrink } from './jpeg-shrink.ts'

export interface RasterOptions {
  /** The maximum pixels of the image. */
  pixels: number
  /** How long it may take. */
  milliseconds: number
  /** The pixels as they are stored, whatever their profile says. */
  ignoreIcc?: boolean
  /** Plain ink instead of sRGB. */
  cmyk?: boolean
  /** The resize and crop that a large JPEG gets while it decodes. */
  shrink?: Shrink | null
  /** Of the image as it is displayed. */
  resize?: ResizeOptions
}

/** Opens any image but an SVG: the first frame only, and damaged files fail. */
export function openRaster(bytes: Uint8Array, options: SharpOptions = {}): Sharp {
  return sharp(firstFrame(bytes), { failOn: 'error', animated: false, ...options })
}

/** Upright, 8 bits a channel. sharp ends it past its time where its format allows: between two rows or so. */
export function rasterPipeline(
  bytes: Uint8Array,
  { pixels, milliseconds, ignoreIcc = false, cmyk = false, shrink, resize }: RasterOptions,
): Sharp {
  let image = openRaster(bytes, { limitInputPixels: pixels, ignoreIcc })
  image = image.timeout({ seconds: Math.ceil(milliseconds / 1000) })
  if (shrink) {
    const { kernel, fastShrinkOnLoad } = shrink
    const { width, height, crop } = shrink.fit
    image = image.resize(width, height, { fit: 'fill', kernel, fastShrinkOnLoad }).extract(crop)
  }
  // Both spaces must be CMYK, or libvips converts with a profile of its own.
  if (cmyk) image = image.pipelineColourspace('cmyk')
  // autoOrient before the crop would turn the whole image first and let libjpeg shrink nothing.
  image = image.autoOrient()
  if (resize) image = image.resize(resize)
  return image.toColourspace(cmyk ? 'cmyk' : 'srgb').raw({ depth: 'uchar' })
}
