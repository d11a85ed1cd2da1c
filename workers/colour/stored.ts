/** A palette as rows of the library hold it, so that the database can find colours in it: whole numbers, and cells of OKLab. */
import { familyOf } from './families.ts'
import { difference, type Lab, labOfHex } from './oklab.ts'
import type { Palette } from './palette.ts'

/** Whole numbers a unit of OKLab, and of a share. */
export const unit = 10_000
/** Numbers of one colour: lightness, a, b and share. */
export const numbersOfColour = 4
/** Edge of a cell, in stored units: five times 100 of OKLab. */
const cellEdge = 500
/** Keeps the coordinates of a cell above 0: a and b are at least -0.5. */
const offset = 5000
/** A family is one of an image's when it takes this share of what is drawn. */
const familyShare = 0.1

/** What the database keeps of a palette beside it. */
export interface StoredPalette {
  /** Four numbers a colour, see {@link numbersOfColour}. */
  index: number[]
  /** Colour families of a tenth or more of what is drawn. */
  families: string[]
}

export function storedPalette({ colours }: Palette): StoredPalette {
  const shares = new Map<string, number>()
  for (const { hex, share } of colours) {
    const family = familyOf(labOfHex(hex))
    shares.set(family, (shares.get(family) ?? 0) + share)
  }
  return {
    index: colours.flatMap(({ hex, share }) => [...storedLab(labOfHex(hex)), Math.round(share * unit)]),
    families: [...shares].filter(([, share]) => share >= familyShare).map(([family]) => family),
  }
}

export const storedLab = (lab: Lab): [l: number, a: number, b: number] => [
  Math.round(lab[0] * unit),
  Math.round(lab[1] * unit),
  Math.round(lab[2] * unit),
]

/** As limn_colour_cells of the database: each coordinate takes five bits. */
const cellOf = (l: number, a: number, b: number) => (l * 32 + a) * 32 + b

/** The cells in which a colour within `tolerance` of this one can lie; null where they are so many that they exclude little. */
export function cellsAround(lab: Lab, tolerance: number): number[] | null {
  const radius = (tolerance / 100) * unit
  const middle = storedLab(lab).map((v, i) => (i === 0 ? v : v + offset))
  const range = middle.map((v, i) => [
    Math.max(0, Math.floor((v - radius) / cellEdge)),
    Math.min(i === 0 ? 20 : 19, Math.floor((v + radius) / cellEdge)),
  ]) as [number, number][]
  /** How far the middle lies outside of a cell along one axis. */
  const beyond = (axis: number, cell: number) =>
    Math.max(0, cell * cellEdge - middle[axis]!, middle[axis]! - (cell + 1) * cellEdge)
  const found: number[] = []
  for (let l = range[0]![0]; l <= range[0]![1]; l++)
    for (let a = range[1]![0]; a <= range[1]![1]; a++)
      for (let b = range[2]![0]; b <= range[2]![1]; b++)
        if (Math.hypot(beyond(0, l), beyond(1, a), beyond(2, b)) <= radius) found.push(cellOf(l, a, b))
  return found.length > maxCells ? null : found
}

/** Beyond this the cells of a tolerance hold most colours that there are. */
const maxCells = 1000

/** The share of a palette that lies within `tolerance` of one of `wanted`. */
export function shareWithin(
  palette: Pick<Palette, 'colours'>,
  wanted: readonly Lab[],
  tolerance: number,
): number {
  const isNear = (hex: string) => {
    const lab = labOfHex(hex)
    return wanted.some((one) => difference(one, lab) <= tolerance)
  }
  return palette.colours.reduce((sum, { hex, share }) => sum + (isNear(hex) ? share : 0), 0)
}
