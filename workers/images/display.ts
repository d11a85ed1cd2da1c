/** Images as a screen shows them: in sRGB, by their own colour profile, upright, the first frame. Encoders see other pixels. */
import sharp, { type Metadata, type Sharp } from 'sharp'
import { extraChannels } from './formats/tiff-samples.ts'
import { type ImageLimits, imageError, imageHeader, openImage } from './open.ts'
import { type SvgRenderer, svgRenderer } from './svg/renderer.ts'

/** Red, green, blue and opacity, 8 bits each, row-major, not multiplied with the opacity. */
export interface RgbaImage {
  data: Uint8Array
  width: number
  height: number
}

/** A pipeline on a raster; CMYK without a profile takes libvips' own. What comes out of it is sRGB, with opacity where there is some. */
export function displayed(bytes: Uint8Array, header: Metadata, limits: ImageLimits): Sharp {
  const image = openImage(bytes, limits).autoOrient().toColourspace('srgb')
  // libvips takes any channel beyond the colours for opacity.
  const extra = header.format === 'tiff' ? extraChannels(bytes) : null
  return extra && extra.count > 0 && !extra.opacity ? image.removeAlpha() : image
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
  renderer: SvgRenderer = svgRenderer,
): Promise<RgbaImage> {
  const header = await imageHeader(bytes, limits, renderer)
  try {
    let image: Sharp
    if (header.format === 'svg') {
      const scale = edge / Math.max(header.width, header.height)
      const { data, ...raw } = await renderer.render(bytes, { pixels: limits.pixels, scale })
      image = sharp(data, { raw })
    } else {
      const resize = { width: edge, height: edge, fit: 'inside', withoutEnlargement: true } as const
      image = displayed(bytes, header, limits).resize({ ...resize, kernel: 'nearest' })
    }
    const { data, info } = await image
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { data, width: info.width, height: info.height }
  } catch (error) {
    throw imageError(error)
  }
}
