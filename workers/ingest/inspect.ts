import type { Metadata } from 'sharp'
import { formats, openPicture, type PictureLimits, pictureError, pictureHeader } from '../images/open.ts'
import { drawer } from '../images/svg/renderer.ts'

export interface Inspected {
  mimeType: string
  /** As displayed: after EXIF orientation. */
  width: number
  height: number
  header: Metadata
}

/**
 * What a picture is, after decoding the whole of it: a file that is cut short is noticed before it is taken.
 * @throws ItemError
 */
export async function inspect(bytes: Uint8Array, limits: PictureLimits): Promise<Inspected> {
  const header = await pictureHeader(bytes, limits)
  try {
    // Shrinking while decoding still reads every byte of the file.
    const small = { width: 32, height: 32, fit: 'fill' } as const
    if (header.format === 'svg') await drawer.draw(bytes, { pixels: limits.pixels, resize: small })
    else await openPicture(bytes, limits).resize(small).raw().toBuffer()
  } catch (error) {
    throw pictureError(error)
  }
  const { width, height } = header.autoOrient
  return { mimeType: formats[header.format]!.mimeType, width, height, header }
}
