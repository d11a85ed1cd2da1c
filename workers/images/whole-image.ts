import { type RawImage, toRgb } from './colour.ts'
import { decodeRaw } from './decode.ts'
import type { ImageSpec } from './image-spec.ts'
import { type ImageLimits, imageError, imageHeader } from './open.ts'
import type { Raster } from './raster.ts'

/** An image at its own size: RGB on its ground, and each pixel's opacity. */
export interface WholeImage extends Raster {
  /** Null when every pixel is opaque by its format. */
  alpha: Uint8Array | null
  /** RGB before it was laid on its ground; the same as `data` without alpha. */
  straightRgb: Uint8Array
}

/**
 * Decodes without shrinking. An SVG is rendered at the encoder's size or, where it is larger, at its own.
 * @throws ItemError
 */
export async function decodeWhole(
  bytes: Uint8Array,
  spec: ImageSpec,
  limits: ImageLimits,
): Promise<WholeImage> {
  const header = await imageHeader(bytes, limits)
  try {
    const raw = await decodeRaw(bytes, header, spec, limits, { keepLargeSvg: true })
    if (raw.cmyk || raw.channels === 3) {
      const rgb = toRgb(raw)
      // Free of sharp's memory, which cannot be transferred to another thread.
      const data = new Uint8Array(rgb.data)
      return { ...rgb, data, straightRgb: data, alpha: null }
    }
    // toRgb takes the raw image's memory.
    const straight = { straightRgb: straightRgb(raw), alpha: alphaOf(raw) }
    const rgb = toRgb(raw)
    return { ...rgb, data: new Uint8Array(rgb.data), ...straight }
  } catch (error) {
    throw imageError(error)
  }
}

function straightRgb({ data, width, height, channels }: RawImage): Uint8Array {
  const grey = channels < 3
  const out = new Uint8Array(width * height * 3)
  for (let p = 0; p < width * height; p++)
    for (let c = 0; c < 3; c++) out[p * 3 + c] = data[p * channels + (grey ? 0 : c)]!
  return out
}

function alphaOf({ data, width, height, channels }: RawImage): Uint8Array | null {
  if (channels % 2) return null
  return Uint8Array.from({ length: width * height }, (_, p) => data[(p + 1) * channels - 1]!)
}
