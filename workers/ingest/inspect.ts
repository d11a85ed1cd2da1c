import type { Metadata } from 'sharp'
import { decodeRaster } from '../images/decode-raster.ts'
import { formats, type ImageLimits, imageError, imageHeader } from '../images/open.ts'
import { imageProcess } from '../images/process/image-process.ts'

export interface Inspected {
  mimeType: string
  /** As displayed: after EXIF orientation. */
  width: number
  height: number
  header: Metadata
}

/**
 * Type and size of an image, after decoding the whole of it: a file that is cut short never gets into the library.
 * @throws ItemError
 */
export async function inspect(bytes: Uint8Array, limits: ImageLimits): Promise<Inspected> {
  const header = await imageHeader(bytes, limits)
  try {
    // Shrinking while decoding still reads every byte of the file.
    const small = { ...limits, resize: { width: 32, height: 32, fit: 'fill' } } as const
    if (header.format === 'svg') await imageProcess.svg(bytes, small)
    else await decodeRaster(bytes, small)
  } catch (error) {
    throw imageError(error)
  }
  const { width, height } = header.autoOrient
  return { mimeType: formats[header.format]!.mimeType, width, height, header }
}
