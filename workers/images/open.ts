/** Opens image files within limits, and names the fault of those that do not open. */
import type { Metadata } from 'sharp'
import { ItemError } from '../errors.ts'
import { checkBudget, checkParts } from './bounds/budget.ts'
import { isCameraRaw } from './formats/camera-raw.ts'
import { signature } from './formats/signature.ts'
import { utf8Xml } from './formats/xml-encoding.ts'
import { type ImageProcess, imageProcess } from './process/image-process.ts'
import { openRaster } from './raster-pipeline.ts'
import { svgError } from './svg/check.ts'

export interface ImageLimits {
  /** Largest file, in bytes. */
  bytes: number
  /** The maximum pixels, width x height, checked before anything is decoded. */
  pixels: number
  /** How long decoding may take. */
  milliseconds: number
}

export const defaultLimits: ImageLimits = { bytes: 32 * 2 ** 20, pixels: 100_000_000, milliseconds: 10_000 }

/** Formats that Limn reads, by sharp's names. */
export const formats: Readonly<Record<string, { mimeType: string; extension: string }>> = {
  jpeg: { mimeType: 'image/jpeg', extension: 'jpg' },
  png: { mimeType: 'image/png', extension: 'png' },
  webp: { mimeType: 'image/webp', extension: 'webp' },
  heif: { mimeType: 'image/avif', extension: 'avif' },
  gif: { mimeType: 'image/gif', extension: 'gif' },
  tiff: { mimeType: 'image/tiff', extension: 'tiff' },
  svg: { mimeType: 'image/svg+xml', extension: 'svg' },
}

const readable = 'JPEG, PNG, WebP, AVIF, GIF, TIFF and SVG are read'

/**
 * Reads a file's header and checks it against the limits; decodes nothing. `process` reads SVGs.
 * @throws ItemError
 */
export async function imageHeader(
  bytes: Uint8Array,
  limits: ImageLimits,
  process: ImageProcess = imageProcess,
): Promise<Metadata> {
  if (bytes.byteLength === 0) throw new ItemError('EMPTY', 'The image has no bytes.')
  if (bytes.byteLength > limits.bytes)
    throw new ItemError(
      'TOO_LARGE',
      `The image has ${bytes.byteLength} bytes; the limit is ${limits.bytes}. Send a smaller version.`,
    )
  // The renderer would unpack an SVG, however large it then is.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    throw new ItemError(
      'UNSUPPORTED_FORMAT',
      `The file is compressed (gzip). Send what is in it; ${readable}.`,
    )
  if (isCameraRaw(bytes))
    throw new ItemError(
      'UNSUPPORTED_FORMAT',
      `The file is a camera's raw image, of which only a small preview could be read. Export it; ${readable}.`,
    )
  const markup = isMarkup(bytes)
  if (!markup) checkParts(bytes)
  try {
    // No limit of pixels here: the check below names the size.
    const header = markup
      ? await process.svgHeader(bytes, limits)
      : await openRaster(bytes, { limitInputPixels: false }).metadata()
    const avif = header.format !== 'heif' || header.compression === 'av1'
    if (!(header.format in formats) || !avif)
      throw new ItemError('UNSUPPORTED_FORMAT', `The image is ${header.format}; ${readable}.`)
    if (header.width * header.height > limits.pixels)
      throw new ItemError(
        'TOO_MANY_PIXELS',
        `The image has ${header.width} x ${header.height} pixels; the limit is ${limits.pixels} in all. Send a smaller version.`,
      )
    if (!markup) checkBudget(bytes, header, limits.pixels)
    return header
  } catch (error) {
    // A TIFF has its directory at the end: libvips does not recognise one that is cut short.
    if (signature(bytes) === 'TIFF' && /unsupported image format/i.test(String(error)))
      throw new ItemError('UNREADABLE_IMAGE', 'The image is damaged or cut short (TIFF without a directory).')
    throw imageError(error)
  }
}

/** Text that begins with a tag: an SVG or no image. */
const isMarkup = (bytes: Uint8Array) =>
  /^(\xef\xbb\xbf)?\s*</.test(utf8Xml(bytes.subarray(0, 1000)).toString('latin1'))

/**
 * Turns an error of sharp, which throws plain ones, into an ItemError with that as its cause. Returns errors of any class
 * of their own as they are: a TypeError or ProcessUnavailable is the server's fault, not the image's.
 */
export function imageError(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'Error') return error
  const { message } = error
  const cause = { cause: error }
  if (/unsupported image format|unknown format|not a known file format|<svg> root/i.test(message))
    return new ItemError('UNSUPPORTED_FORMAT', `This is not an image that can be read; ${readable}.`, cause)
  if (/pixel limit/i.test(message))
    return new ItemError('TOO_MANY_PIXELS', 'The image has too many pixels.', cause)
  if (/timeout: \d+% complete/.test(message))
    return new ItemError('INVALID', 'The image takes too long to decode. Send a smaller version.', cause)
  if (/out of memory|cannot allocate/i.test(message)) return error
  return (
    svgError(error) ??
    new ItemError('UNREADABLE_IMAGE', 'The image is damaged or cut short; send a whole copy of it.', cause)
  )
}
