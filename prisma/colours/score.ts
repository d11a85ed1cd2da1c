/**
 * How well an image fits some colours, as a number of the query and the row alone: what a search adds to its score.
 * 0 for an image that shows none of them, 1 for one that is nothing else.
 */
import { difference, labOfHex } from '../../workers/colour/oklab.ts'
import type { PaletteColour } from '../../workers/colour/palette.ts'
import { unit } from '../../workers/colour/stored.ts'
import { Prisma } from '../generated/client.ts'
import { anyColourSql, numbersOf } from './filter.ts'

/** Colours that a search wants. */
export interface WantedColours {
  /** #rrggbb */
  hexes: readonly string[]
  /** From this distance on (100 times that of OKLab) a colour does not count. */
  reach: number
}

/**
 * The mean, over the wanted colours, of the root of the share that the image shows of each; a colour that is a bit off
 * counts less, 1 - (distance / reach)². The root: from nothing to a tenth means more than from a half to all.
 */
export function colourScore({ hexes, reach }: WantedColours, colours: readonly PaletteColour[]): number {
  const scores = hexes.map(labOfHex).map((wanted) => {
    const weights = colours.map(
      ({ hex, share }) => share * closeness(difference(wanted, labOfHex(hex)) / reach),
    )
    return Math.sqrt(Math.min(1, sum(weights)))
  })
  return sum(scores) / scores.length
}

/** The same on "Asset" (aliased `a`), a float8; 0 for an image whose colours are not known yet. */
export function colourScoreSql({ hexes, reach }: WantedColours): Prisma.Sql {
  const square = ((reach / 100) * unit) ** 2
  return Prisma.sql`limn_colour_score(a."palette", ${numbersOf(hexes.map(labOfHex))}::int[], ${square}::float8)`
}

/** Whether the score is above 0, by the index where it helps. */
export const showsColoursSql = ({ hexes, reach }: WantedColours): Prisma.Sql =>
  anyColourSql(hexes.map(labOfHex), reach)

const closeness = (distance: number) => Math.max(0, 1 - distance * distance)
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
