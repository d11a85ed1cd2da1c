/** Pixels in which two colours meet: antialiasing mixes them, and the mixture is no colour of the drawing. */
import type { RgbaImage } from '../images/display.ts'

/** Opacity below which a pixel is not looked at: its colour is only rounding. */
export const minOpacity = 8
/** Opacity from which a pixel's colour is exact enough to count as one of the drawing. */
const solid = 64
/** The least distance of two neighbours, in 8-bit steps, between which a pixel can be a mixture. */
const minContrast = 24
/** How near to one of its neighbours a mixture may come, in parts of their distance. */
const endpoint = 0.06
/** How far beside the line between its neighbours a mixture may lie: rounding, and a part of their distance. */
const offLine = { steps: 6, part: 0.12 }

/** For each pixel that is a mixture the two neighbours that it mixes, and the share of the first; else -1. */
export interface Edges {
  /** 1 for a mixture, and for a pixel too transparent to tell. */
  mixed: Uint8Array
  from: Int32Array
  to: Int32Array
  share: Float32Array
}

/**
 * A pixel is a mixture when its colour lies between those of two of its neighbours. In a smooth gradient neighbours are
 * too alike for that, and in a fill they are the same.
 */
export function findEdges({ data, width, height }: RgbaImage): Edges {
  const pixels = width * height
  const edges: Edges = {
    mixed: new Uint8Array(pixels),
    from: new Int32Array(pixels).fill(-1),
    to: new Int32Array(pixels).fill(-1),
    share: new Float32Array(pixels),
  }
  const around = new Int32Array(8)
  // Whole pixels: inside of a fill all nine are the same.
  const whole = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + pixels * 4))
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      const alpha = data[p * 4 + 3]!
      if (alpha < minOpacity) continue
      if (alpha < solid) edges.mixed[p] = 1
      const isInner = x > 0 && x < width - 1 && y > 0 && y < height - 1
      if (isInner && isPlain(whole, p, width)) continue
      let count = 0
      for (let row = Math.max(0, y - 1); row <= y + 1 && row < height; row++)
        for (let column = Math.max(0, x - 1); column <= x + 1 && column < width; column++) {
          const q = row * width + column
          if (q !== p && data[q * 4 + 3]! >= minOpacity) around[count++] = q
        }
      findMixture(data, p, around, count, edges)
    }
  return edges
}

function isPlain(whole: Uint32Array, p: number, width: number): boolean {
  const one = whole[p]
  return (
    whole[p - 1] === one &&
    whole[p + 1] === one &&
    whole[p - width] === one &&
    whole[p + width] === one &&
    whole[p - width - 1] === one &&
    whole[p - width + 1] === one &&
    whole[p + width - 1] === one &&
    whole[p + width + 1] === one
  )
}

/** Looks for the two of `count` neighbours that pixel `p` lies between. One end is the neighbour most unlike it. */
function findMixture(data: Uint8Array, p: number, around: Int32Array, count: number, edges: Edges): void {
  const r = data[p * 4]!
  const g = data[p * 4 + 1]!
  const b = data[p * 4 + 2]!
  let far = -1
  let most = (minContrast * minContrast) / 4
  for (let k = 0; k < count; k++) {
    const square = apart(data, p, around[k]!)
    if (square > most) {
      most = square
      far = around[k]!
    }
  }
  if (far < 0) return
  const i = far * 4
  let best = minContrast * minContrast
  for (let k = 0; k < count; k++) {
    const j = around[k]! * 4
    const square = apart(data, far, around[k]!)
    if (square <= best) continue
    const pr = r - data[j]!
    const pg = g - data[j + 1]!
    const pb = b - data[j + 2]!
    const along =
      pr * (data[i]! - data[j]!) + pg * (data[i + 1]! - data[j + 1]!) + pb * (data[i + 2]! - data[j + 2]!)
    const part = along / square
    if (part <= endpoint || part >= 1 - endpoint) continue
    const off = pr * pr + pg * pg + pb * pb - part * along
    const allowed = offLine.steps + offLine.part * Math.sqrt(square)
    if (off > allowed * allowed) continue
    best = square
    edges.mixed[p] = 1
    edges.from[p] = far
    edges.to[p] = around[k]!
    edges.share[p] = part
  }
}

/** Square distance of two pixels' colours, in 8-bit steps. */
function apart(data: Uint8Array, p: number, q: number): number {
  const dr = data[p * 4]! - data[q * 4]!
  const dg = data[p * 4 + 1]! - data[q * 4 + 1]!
  const db = data[p * 4 + 2]! - data[q * 4 + 2]!
  return dr * dr + dg * dg + db * db
}
