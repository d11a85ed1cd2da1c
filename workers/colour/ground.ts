/** The ground that a drawing lies on: what is transparent, or white from the image's border inwards. */

import type { RgbaImage } from '../images/display.ts'
import { difference, toLab } from './oklab.ts'

export interface Ground {
  kind: 'TRANSPARENT' | 'WHITE'
  /** Of the image's area, 0..1. */
  share: number
}

/** Less transparency than this share of the image is a rounded corner, not a ground. */
const minTransparent = 0.005
/** Colours this near to white are white: JPEG leaves a haze around what is drawn. */
const haze = 3
/** No colour with a darker channel is that near; saves the measuring of most pixels. */
const palest = 230
/** White is a ground when it takes this share of the image's border. */
const minBorder = 0.4

const white = toLab(255, 255, 255)

/**
 * The ground, and a mask: 1 for pixels of a white ground. Where the ground is white all white belongs to it: nobody can
 * tell the paper inside a letter from a white fill. Null where the image has no ground.
 */
export function findGround(image: RgbaImage): { ground: Ground | null; mask: Uint8Array } {
  const { data, width, height } = image
  const pixels = width * height
  const mask = new Uint8Array(pixels)
  let opacity = 0
  for (let p = 0; p < pixels; p++) opacity += data[p * 4 + 3]!
  const transparent = 1 - opacity / (255 * pixels)
  if (transparent >= minTransparent) return { ground: { kind: 'TRANSPARENT', share: transparent }, mask }
  if (!hasWhiteBorder(image)) return { ground: null, mask }
  let count = 0
  for (let p = 0; p < pixels; p++) if (isWhite(data, p)) count += mask[p] = 1
  return { ground: { kind: 'WHITE', share: count / pixels }, mask }
}

function isWhite(data: Uint8Array, p: number): boolean {
  const [r, g, b] = [data[p * 4]!, data[p * 4 + 1]!, data[p * 4 + 2]!]
  if (r === 255 && g === 255 && b === 255) return true
  return Math.min(r, g, b) >= palest && difference(toLab(r, g, b), white) < haze
}

function hasWhiteBorder({ data, width, height }: RgbaImage): boolean {
  const border = new Set<number>()
  for (let x = 0; x < width; x++) border.add(x).add((height - 1) * width + x)
  for (let y = 0; y < height; y++) border.add(y * width).add(y * width + width - 1)
  let count = 0
  for (const p of border) if (isWhite(data, p)) count++
  return count >= minBorder * border.size
}
