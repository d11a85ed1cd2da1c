/** From an image file to raw pixels of the encoder's kind. */
import type { Metadata } from 'sharp'
import type { RawImage } from './colour.ts'
import { decodeRaster } from './decode-raster.ts'
import { asPillow } from './formats/as-pillow.ts'
import type { ImageSpec } from './image-spec.ts'
import type { Shrink } from './jpeg-shrink.ts'
import type { ImageLimits } from './open.ts'
import { imageProcess } from './process/image-process.ts'

export interface DecodeOptions {
  /** The resize and crop that a large JPEG gets while it decodes. */
  shrink?: Shrink | null
  /** An SVG larger than the encoder's input keeps its size. */
  keepLargeSvg?: boolean
}

/**
 * EXIF orientation is applied; an animation gives its first frame. Colour profiles are ignored and CMYK stays plain ink,
 * as Pillow's convert('RGB') has it: encoders were trained on its colours. `data` may be memory of sharp's own, which
 * cannot be transferred to another thread.
 */
export async function decodeRaw(
  bytes: Uint8Array,
  header: Metadata,
  spec: ImageSpec,
  limits: ImageLimits,
  { shrink = null, keepLargeSvg = false }: DecodeOptions = {},
): Promise<RawImage> {
  const { pixels, milliseconds } = limits
  if (header.format === 'svg') {
    const scale = svgScale(header, spec, keepLargeSvg)
    return { ...(await imageProcess.svg(bytes, { pixels, milliseconds, scale })), cmyk: false }
  }
  const cmyk = header.space === 'cmyk'
  const decoded = await decodeRaster(bytes, { pixels, milliseconds, ignoreIcc: true, cmyk, shrink })
  const raw: RawImage = { ...decoded, cmyk }
  return cmyk ? raw : asPillow(bytes, header.format, raw)
}

/** The longest edge of a rendered SVG: a line-thin one must not become an image of a million columns. */
const maxSvgEdge = 8192

/** The scale at which an SVG is as large as the encoder's input. */
function svgScale({ width, height }: Metadata, spec: ImageSpec, keepLarge: boolean): number {
  const scale =
    spec.fit === 'squash'
      ? Math.max(spec.width / width, spec.height / height)
      : spec.resizeTo / Math.min(width, height)
  if (keepLarge && scale < 1) return 1
  return Math.min(scale, maxSvgEdge / Math.max(width, height))
}
