/** Where libvips and Pillow see other pixels in the same file. */
import { firstFrame, type GifFrame } from './gif-frame.ts'
import { extraChannels } from './tiff-samples.ts'

export interface Pixels {
  data: Uint8Array
  width: number
  height: number
  channels: number
}

/** Decoded pixels as Pillow has them. Those of most files come back untouched. */
export function asPillow<P extends Pixels>(bytes: Uint8Array, format: string, pixels: P): P {
  if (format === 'tiff') {
    const extra = extraChannels(bytes)
    return extra ? withoutExtra(pixels, extra.count, extra.opacity) : pixels
  }
  if (format === 'gif') {
    const frame = firstFrame(bytes)
    return frame?.background ? withCanvas(pixels, frame, frame.background) : pixels
  }
  return pixels
}

/** The colours, and the opacity where there is one; the other `extra` channels go. */
function withoutExtra<P extends Pixels>(pixels: P, extra: number, opacity: boolean): P {
  const { data, width, height, channels } = pixels
  // Counted from behind, for grey has become RGB on the way.
  const kept = channels - extra + Number(opacity)
  if (extra < 1 || kept === channels || channels <= extra) return pixels
  const out = new Uint8Array(width * height * kept)
  for (let i = 0, o = 0; o < out.length; i += channels, o += kept)
    for (let channel = 0; channel < kept; channel++) out[o + channel] = data[i + channel]!
  return { ...pixels, data: out, channels: kept }
}

/** The canvas around the frame in one opaque colour; libvips leaves it black, or transparent. */
function withCanvas<P extends Pixels>(pixels: P, frame: GifFrame, colour: readonly number[]): P {
  const { data, width, height, channels } = pixels
  const { left, top } = frame
  const [right, bottom] = [left + frame.width, top + frame.height]
  if (left === 0 && top === 0 && right >= width && bottom >= height) return pixels
  const out = new Uint8Array(data)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (x >= left && x < right && y >= top && y < bottom) continue
      const at = (y * width + x) * channels
      for (let channel = 0; channel < channels; channel++)
        out[at + channel] = channel === channels - 1 && channels % 2 === 0 ? 255 : colour[channel]!
    }
  return { ...pixels, data: out }
}
