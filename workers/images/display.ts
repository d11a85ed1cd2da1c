/** Images as a screen shows them: in sRGB, by their own colour profile, upright, the first frame. Encoders see other pixels. */
import sharp from 'sharp'
import { decodeShown } from './decode-raster.ts'
import { type ImageLimits, imageError, imageHeader } from './open.ts'
import { type ImageProcess, imageProcess } from './process/image-process.ts'

/** Red, green, blue and opacity, 8 bits each, row-major, not multiplied with the opacity. */
export interface RgbaImage {
  data: Uint8Array
  width: number
  height: number
}

/**
 * Pixels of the image at `edge` or less along its longer side. A raster is sampled, not averaged: what is drawn keeps its
 * colours. A drawing is drawn at that size.
 * @throws ItemError
 */
export async function displayPixels(
  bytes: Uint8Array,
  edge: number,
  limits: ImageLimits,
  process: ImageProcess = imageProcess,
): Promise<RgbaImage> {
  const header = await imageHeader(bytes, limits, process)
  try {
    const scale = edge / Math.max(header.width, header.height)
    const resize = { width: edge, height: edge, fit: 'inside', withoutEnlargement: true } as const
    const { data, ...raw } =
      header.format === 'svg'
        ? await process.svg(bytes, { ...limits, scale })
        : await decodeShown(bytes, { ...limits, resize: { ...resize, kernel: 'nearest' } }, process)
    const shown = sharp(data, { raw }).toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' })
    const { data: pixels, info } = await shown.toBuffer({ resolveWithObject: true })
    return { data: pixels, width: info.width, height: info.height }
  } catch (error) {
    throw imageError(error)
  }
}
