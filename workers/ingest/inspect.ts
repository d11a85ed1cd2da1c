import type { Metadata } from 'sharp'
import { formats, type ImageLimits, imageError, imageHeader, openImage } from '../images/open.ts'
import { svgRenderer } from '../images/svg/renderer.ts'

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
    const small = { width: 32, height: 32, fit: 'fill' } as const
    if (header.format === 'svg') await svgRenderer.render(bytes, { pixels: limits.pixels, resize: small })
    else await openImage(bytes, limits).resize(small).raw().toBuffer()
  } catch (error) {
    throw imageError(error)
  }
  const { width, height } = header.autoOrient
  return { mimeType: formats[header.format]!.mimeType, width, height, header }
}
