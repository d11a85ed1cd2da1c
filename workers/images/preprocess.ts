/** Reference preprocessing: from an image file to the pixels that the reference implementation feeds the encoder. */

import type { KernelEnum, Metadata } from 'sharp'
import { ItemError } from '../errors.ts'
import { asPillow } from './formats/as-pillow.ts'
import type { ImageSpec } from './image-spec.ts'
import { type ImageLimits, imageError, imageHeader, openImage } from './open.ts'
import type { Crop, Raster } from './raster.ts'
import { resample } from './resample/resample.ts'
import { svgRenderer } from './svg/renderer.ts'

/**
 * RGB pixels of the encoder's input, `spec.height * spec.width * 3` bytes, before rescaling and normalising. EXIF
 * orientation is applied, transparency lies on white, of an animation the first frame is taken. Colour profiles are
 * passed over and CMYK is read as plain ink, as Pillow's convert('RGB') does: encoders were trained on its colours.
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
    if (!shrink) return fit(await decode(bytes, header, spec, limits), spec)
    const crop = await decode(bytes, header, spec, limits, shrink)
    // sharp's own memory cannot be transferred to another thread.
    return padWithBlack({ ...crop, data: new Uint8Array(crop.data) }, shrink.fit, spec)
  } catch (error) {
    throw imageError(error)
  }
}

/** How an image is brought to the encoder's input: resized, cropped to the middle, laid at (left, top) on black. */
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
export function fit(source: Raster, spec: ImageSpec): Uint8Array {
  const fitting = fitOf(source, spec)
  const { width, height, crop } = fitting
  return padWithBlack(resample(source, width, height, spec.filter, crop), fitting, spec)
}

/** A crop larger than the resized image is filled up with black around it, as the reference does. */
function padWithBlack(image: Raster, { left, top }: Fit, spec: ImageSpec): Uint8Array {
  if (image.width === spec.width && image.height === spec.height) return image.data
  const out = new Uint8Array(spec.width * spec.height * 3)
  for (let y = 0; y < image.height; y++)
    out.set(
      image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3),
      ((top + y) * spec.width + left) * 3,
    )
  return out
}

/** The image as RGB on white. */
async function decode(
  bytes: Uint8Array,
  header: Metadata,
  spec: ImageSpec,
  limits: ImageLimits,
  shrink: Shrink | null = null,
): Promise<Raster> {
  const { data, width, height, channels, cmyk } = await decodeRaw(bytes, header, spec, limits, { shrink })
  const pixels = width * height
  return {
    data: cmyk ? cmykToRgb(data, pixels, channels) : flattenOnWhite(data, pixels, channels),
    width,
    height,
  }
}

/** An image at its own size: RGB on white, and how opaque each pixel is where not all are. */
export interface WholeImage extends Raster {
  alpha: Uint8Array | null
  /** RGB before it was laid on white; the same as `data` without alpha. */
  straightRgb: Uint8Array
}

/**
 * Decodes without shrinking. A drawing is rendered at the encoder's size or, where it is larger, at its own.
 * @throws ItemError
 */
export async function decodeWhole(
  bytes: Uint8Array,
  spec: ImageSpec,
  limits: ImageLimits,
): Promise<WholeImage> {
  const header = await imageHeader(bytes, limits)
  try {
    const { data, width, height, channels, cmyk } = await decodeRaw(bytes, header, spec, limits, {
      noSmaller: true,
    })
    const pixels = width * height
    if (cmyk || channels === 3) {
      const rgb = cmyk ? cmykToRgb(data, pixels, channels) : new Uint8Array(data)
      return { data: rgb, straightRgb: rgb, width, height, alpha: null }
    }
    const grey = channels < 3
    const straightRgb = new Uint8Array(pixels * 3)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < 3; c++) straightRgb[p * 3 + c] = data[p * channels + (grey ? 0 : c)]!
    const alpha =
      channels % 2 ? null : Uint8Array.from({ length: pixels }, (_, p) => data[(p + 1) * channels - 1]!)
    return { data: flattenOnWhite(data, pixels, channels), straightRgb, width, height, alpha }
  } catch (error) {
    throw imageError(error)
  }
}

async function decodeRaw(
  bytes: Uint8Array,
  header: Metadata,
  spec: ImageSpec,
  limits: ImageLimits,
  { shrink = null, noSmaller = false }: { shrink?: Shrink | null; noSmaller?: boolean },
) {
  if (header.format === 'svg') {
    const options = { pixels: limits.pixels, density: svgDensity(header, spec, noSmaller) }
    return { ...(await svgRenderer.render(bytes, options)), cmyk: false }
  }
  const cmyk = header.space === 'cmyk'
  let image = openImage(bytes, limits, { ignoreIcc: true })
  if (shrink) {
    const { kernel, fastShrinkOnLoad } = shrink
    const { width, height, crop } = shrink.fit
    image = image.resize(width, height, { fit: 'fill', kernel, fastShrinkOnLoad }).extract(crop)
  }
  // Both spaces must be CMYK, or libvips converts with a profile of its own.
  if (cmyk) image = image.pipelineColourspace('cmyk')
  // Asked for before a crop, sharp would turn the whole image first and let libjpeg shrink nothing.
  const { data, info } = await image
    .autoOrient()
    .toColourspace(cmyk ? 'cmyk' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const pixels = { data, width: info.width, height: info.height, channels: info.channels as number, cmyk }
  return cmyk ? pixels : asPillow(bytes, header.format, pixels)
}

/** How a large JPEG is brought to the encoder's input by libjpeg and libvips, in half the time of `resample`. */
interface Shrink {
  fit: Fit
  kernel: keyof KernelEnum
  fastShrinkOnLoad: boolean
}

/** libvips' names of Pillow's filters; it has no others of them. */
const kernels: Partial<Record<ImageSpec['filter'], keyof KernelEnum>> = {
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
}

/** How many times larger than what is wanted a JPEG is, of which not every pixel need be looked at. */
const largeJpeg = 3

/**
 * For JPEGs three times as large as what is wanted. libjpeg halves while it decodes, as often as leaves 1.75 times what is
 * wanted at least, and the filter does the rest. Pixels of line drawings then keep a cosine of 0.997 to those of the whole
 * image, those of photographs 0.9995: libjpeg rounds the sides up, which moves the far edges by a quarter of a pixel at
 * most.
 */
function shrinkOf({ autoOrient }: Metadata, spec: ImageSpec): Shrink | null {
  const kernel = kernels[spec.filter]
  const fit = fitOf(autoOrient, spec)
  const room = Math.min(autoOrient.width / fit.width, autoOrient.height / fit.height)
  if (!kernel || room < largeJpeg) return null
  // What sharp lets libjpeg take. Slow: 2 from 4 on, 4 from 8, 8 from 16. Fast: 2 already below 5, and then too much.
  return { fit, kernel, fastShrinkOnLoad: room >= 3.5 && room < 5 }
}

/** Dots per inch at which a drawing is as large as the encoder's input; 72 is its own size. */
function svgDensity({ width, height, density = 72 }: Metadata, spec: ImageSpec, noSmaller: boolean): number {
  if (!(width > 0 && height > 0)) throw new ItemError('UNREADABLE_IMAGE', 'The drawing has no size.')
  const scale =
    spec.fit === 'squash'
      ? Math.max(spec.width / width, spec.height / height)
      : spec.resizeTo / Math.min(width, height)
  if (noSmaller && scale < 1) return density
  // A line-thin drawing must not become an image of a million columns.
  const longest = 8192 / Math.max(width, height)
  return Math.min(100_000, Math.max(1, density * Math.min(scale, longest)))
}

/** Pillow's CMYK to RGB: each channel is what its ink and the black leave of the white. */
function cmykToRgb(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3)
  for (let p = 0, i = 0, o = 0; p < pixels; p++, i += channels, o += 3) {
    const light = 255 - data[i + 3]!
    for (let c = 0; c < 3; c++) {
      const product = data[i + c]! * light + 128
      out[o + c] = light - ((product + (product >> 8)) >> 8)
    }
  }
  return out
}

/** Drops to three channels; transparency is laid on white. */
function flattenOnWhite(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  if (channels === 3) return data
  const out = new Uint8Array(pixels * 3)
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2]
  const alpha = channels % 2 === 0 ? channels - 1 : null
  for (let i = 0, o = 0; o < out.length; i += channels, o += 3) {
    const opacity = alpha === null ? 255 : data[i + alpha]!
    // Nearly all pixels of nearly all images.
    if (opacity === 255) {
      out[o] = data[i]!
      out[o + 1] = data[i + green]!
      out[o + 2] = data[i + blue]!
    } else {
      const white = (255 - opacity) * 255
      out[o] = ((data[i]! * opacity + white) / 255 + 0.5) | 0
      out[o + 1] = ((data[i + green]! * opacity + white) / 255 + 0.5) | 0
      out[o + 2] = ((data[i + blue]! * opacity + white) / 255 + 0.5) | 0
    }
  }
  return out
}

/**
 * Writes one image's pixels into a batch tensor: (pixel * rescale - mean) / std, channels first.
 * `out` holds at least `offset + 3 * width * height` float32.
 */
export function normaliseInto(
  out: Float32Array,
  offset: number,
  pixels: Uint8Array,
  table: Float32Array,
): void {
  const plane = pixels.length / 3
  const green = offset + plane
  const blue = green + plane
  for (let p = 0, i = 0; p < plane; p++, i += 3) {
    out[offset + p] = table[pixels[i]!]!
    out[green + p] = table[256 + pixels[i + 1]!]!
    out[blue + p] = table[512 + pixels[i + 2]!]!
  }
}

/** Normalised value of each 8-bit value of each channel, 3 x 256. */
export function normalisationTable({ rescale, mean, std }: ImageSpec): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => {
    const channel = i >> 8
    return ((i & 255) * rescale - mean[channel]!) / std[channel]!
  })
}
