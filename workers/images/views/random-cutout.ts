/** The random choice of a cutout: its place, size and turn, its perspective and its colours. */
import type { Corners } from './projection.ts'

export interface CutoutChoice {
  /** Share of cutouts in grey. */
  grey: number
  /**
   * Minimum and maximum edge of a cutout, in parts of the image's short edge. Above 1 a cutout reaches beyond the image,
   * where the image's border goes on.
   */
  size: readonly [number, number]
  /** Maximum turn of a cutout, in radians. */
  turn: number
}

/** A 3 x 3 matrix that maps colours, row-major. */
export type Tone = readonly number[]

export interface Cutout {
  corners: Corners
  tone: Tone
}

/** The maximum way of a corner from its place in the square, in parts of the cutout's edge. */
const warp = 0.1
/** The maximum by which a channel gets lighter or darker. */
const tint = 0.1
/** ITU-R BT.601. */
const luminance = [0.299, 0.587, 0.114]

/** The order of the calls of `random` is part of the result: a seed gives the same cutouts in every version. */
export function randomCutout(
  width: number,
  height: number,
  choice: CutoutChoice,
  random: () => number,
): Cutout {
  const corners = randomCorners(width, height, choice, random)
  return { corners, tone: randomTone(random, choice.grey) }
}

/** Each channel a little lighter or darker, or all in grey: shapes must then tell what colours would. */
function randomTone(random: () => number, greyShare: number): Tone {
  const gains = [0, 1, 2].map(() => 1 + tint * (2 * random() - 1))
  const grey = random() < greyShare
  return gains.flatMap((gain, c) => luminance.map((share, d) => gain * (grey ? share : +(c === d))))
}

/** A square's corners, each moved apart from the others; inside of the image unless cutouts may be larger than it. */
function randomCorners(
  width: number,
  height: number,
  { size, turn }: CutoutChoice,
  random: () => number,
): Corners {
  const edge = Math.min(width, height) * (size[0] + (size[1] - size[0]) * random())
  const middle = [width, height].map((whole) => (whole - edge) * random() + edge / 2) as [number, number]
  const angle = turn * (2 * random() - 1)
  const [cos, sin] = [Math.cos(angle) / 2, Math.sin(angle) / 2]
  const move = () => warp * (2 * random() - 1)
  const clamped = (value: number, max: number) => (size[1] > 1 ? value : Math.min(max, Math.max(0, value)))
  const corner = (x: number, y: number): [number, number] => [
    clamped(middle[0] + edge * (x + move()), width),
    clamped(middle[1] + edge * (y + move()), height),
  ]
  return [
    corner(-cos + sin, -sin - cos),
    corner(cos + sin, sin - cos),
    corner(cos - sin, sin + cos),
    corner(-cos - sin, -sin + cos),
  ]
}
