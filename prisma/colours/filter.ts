/** Colours as conditions on "Asset" (aliased `a`): what a palette holds within a tolerance, by the index first. */
import { type Lab, labOfHex } from '../../workers/colour/oklab.ts'
import { cellsAround, storedLab, unit } from '../../workers/colour/stored.ts'
import { Prisma } from '../generated/client.ts'

/** A colour that an image shows. */
export interface ColourCondition {
  /** #rrggbb */
  hex: string
  /** The largest distance: 100 times that of OKLab. */
  tolerance: number
  /** The least share of what is drawn that lies within the tolerance. */
  minShare: number
}

/** An image that consists of some colours, to a share at least. */
export interface MadeOfCondition {
  /** #rrggbb */
  hexes: string[]
  tolerance: number
  minShare: number
}

/** The image shows the colour, to its share at least. */
export function colourSql({ hex, tolerance, minShare }: ColourCondition): Prisma.Sql {
  const lab = labOfHex(hex)
  const share = Math.max(1, Math.round(minShare * unit))
  return Prisma.sql`(${indexedSql([lab], tolerance)} AND ${shareSql([lab], tolerance)} >= ${share}::int)`
}

/** The image shows one of the colours. */
export function anyColourSql(colours: readonly Lab[], tolerance: number): Prisma.Sql {
  return Prisma.sql`(${indexedSql(colours, tolerance)} AND ${shareSql(colours, tolerance)} > 0)`
}

/** What every image has that shows one of the colours, and others too: the index finds it. */
function indexedSql(colours: readonly Lab[], tolerance: number): Prisma.Sql {
  const cells = colours.map((lab) => cellsAround(lab, tolerance))
  if (cells.includes(null)) return Prisma.sql`a."palette" <> '{}'`
  return Prisma.sql`limn_colour_cells(a."palette") && ${[...new Set(cells.flat())]}::smallint[]`
}

/** The image consists of the colours. */
export function madeOfSql({ hexes, tolerance, minShare }: MadeOfCondition): Prisma.Sql {
  const share = shareSql(hexes.map(labOfHex), tolerance)
  // Shares are rounded one by one: those of a whole image may fall short of 1 by a few units.
  return Prisma.sql`(a."palette" <> '{}' AND ${share} >= ${Math.max(0, Math.round(minShare * unit) - 4)}::int)`
}

/** Of what is drawn, the share within the tolerance of one of the colours, in units of {@link unit}. */
export function shareSql(colours: readonly Lab[], tolerance: number): Prisma.Sql {
  const square = Math.round(((tolerance / 100) * unit) ** 2)
  return Prisma.sql`limn_colour_share(a."palette", ${numbersOf(colours)}::int[], ${square}::int)`
}

/** Three stored numbers a colour, as the database's functions take them. */
export const numbersOf = (colours: readonly Lab[]): number[] => colours.flatMap(storedLab)
