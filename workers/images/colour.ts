/** From decoded channels (grey, RGB or CMYK, with or without alpha) to RGB on white, as Pillow computes it. */
import type { Raster } from './raster.ts'

/** Decoded pixels, row-major, `channels` bytes each: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA or CMYK. */
export interface RawImage extends Raster {
  channels: number
  cmyk: boolean
}

/** The image as RGB; transparency lies on white. May share memory with the raw image. */
export function toRgb({ data, width, height, channels, cmyk }: RawImage): Raster {
  const pixels = width * height
  const rgb = cmyk ? cmykToRgb(data, pixels, channels) : flattenOnWhite(data, pixels, channels)
  return { data: rgb, width, height }
}

/** Pillow's CMYK to RGB: a channel's ink and the black ink take their shares of white. */
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

/** Turns grey into RGB and lays transparency on white. */
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
