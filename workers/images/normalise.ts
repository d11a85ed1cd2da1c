/** Normalisation: (pixel * rescale - mean) / std for each channel, and channels first as encoders read them. */
import type { ImageSpec } from './image-spec.ts'

/** Normalised value of each 8-bit value of each channel, 3 x 256. */
export function normalisationTable({ rescale, mean, std }: ImageSpec): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => {
    const channel = i >> 8
    return ((i & 255) * rescale - mean[channel]!) / std[channel]!
  })
}

/**
 * Writes one image's pixels into a batch tensor, normalised and channels first.
 * `out` holds at least `offset + 3 * width * height` float32.
 */
export function normaliseInto(
  out: Float32Array,
  offset: number,
  pixels: Uint8Array,
  table: Float32Array,
): void {
  const plane = pixels.length / 3
  const green = offset + plane
  const blue = green + plane
  for (let p = 0, i = 0; p < plane; p++, i += 3) {
    out[offset + p] = table[pixels[i]!]!
    out[green + p] = table[256 + pixels[i + 1]!]!
    out[blue + p] = table[512 + pixels[i + 2]!]!
  }
}

/** The same for values in 0..1: normalised value = value x factor + shift, for each channel. */
export function unitNormalisation({ rescale, mean, std }: ImageSpec): { factor: number[]; shift: number[] } {
  return { factor: std.map((s) => (255 * rescale) / s), shift: mean.map((m, c) => -m / std[c]!) }
}
