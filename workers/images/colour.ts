/** From decoded channels (grey, RGB or CMYK, with or without alpha) to opaque RGB, as Pillow computes it. */

import type { Raster } from './raster.ts'
import { groundOf } from './transparency/ground.ts'

/** Decoded pixels, row-major, `channels` bytes each: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA or CMYK. */
export interface RawImage extends Raster {
  channels: number
  cmyk: boolean
}

/** The image as RGB; transparency lies on its ground. Takes the raw image's memory: no image is held twice. */
export function toRgb({ data, width, height, channels, cmyk }: RawImage): Raster {
  const pixels = width * height
  const rgb = cmyk ? cmykToRgb(data, pixels, channels) : flatten(data, pixels, channels)
  return { data: rgb, width, height }
}

/** Pillow's CMYK to RGB: a channel's ink and the black ink take their shares of white. */
function cmykToRgb(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  // In place: three bytes never overtake four.
  const out = data.subarray(0, pixels * 3)
  for (let p = 0, i = 0, o = 0; p < pixels; p++, i += channels, o += 3) {
    const light = 255 - data[i + 3]!
    for (let c = 0; c < 3; c++) {
      const product = data[i + c]! * light + 128
      out[o + c] = light - ((product + (product >> 8)) >> 8)
    }
  }
  return out
}

/** Turns grey into RGB and lays transparency on the ground. */
function flatten(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  if (channels === 3) return data
  const ground = groundOf(data, channels)
  // In place where it fits.
  const out = channels > 3 ? data.subarray(0, pixels * 3) : new Uint8Array(pixels * 3)
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2]
  const alpha = channels % 2 === 0 ? channels - 1 : null
  for (let i = 0, o = 0; o < out.length; i += channels, o += 3) {
    const opacity = alpha === null ? 255 : data[i + alpha]!
    // Nearly all pixels of nearly all images.
    if (opacity === 255) {
      out[o] = data[i]!
      out[o + 1] = data[i + green]!
      out[o + 2] = data[i + blue]!
    } else if (opacity === 0) {
      out[o] = ground
      out[o + 1] = ground
      out[o + 2] = ground
    } else {
      const behind = (255 - opacity) * ground
      out[o] = ((data[i]! * opacity + behind) / 255 + 0.5) | 0
      out[o + 1] = ((data[i + green]! * opacity + behind) / 255 + 0.5) | 0
      out[o + 2] = ((data[i + blue]! * opacity + behind) / 255 + 0.5) | 0
    }
  }
  return out
}
