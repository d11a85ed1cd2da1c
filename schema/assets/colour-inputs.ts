/** What filters and fields ask of colours, and the checks of it. */
import { colourFamilies, type ColourFamily as Family } from '../../workers/colour/families.ts'
import { readHex } from '../../workers/colour/oklab.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { atMost } from '../core/errors.ts'

/** In units of 100 times OKLab's distance. */
export const defaultTolerance = 10
const maxTolerance = 50

const familyWords: Record<Family, string> = {
  RED: 'Red.',
  ORANGE: 'Orange.',
  YELLOW: 'Yellow.',
  GREEN: 'Green.',
  TEAL: 'Between green and blue.',
  BLUE: 'Blue.',
  PURPLE: 'Purple, violet.',
  PINK: 'Pink, magenta.',
  BROWN: 'Dark or dull orange.',
  BLACK: 'Black, or nearly.',
  GREY: 'Grey.',
  WHITE: 'White, or nearly.',
}

export const ColourFamily = builder.enumType('ColourFamily', {
  description: 'Colours by name.',
  values: Object.fromEntries(
    colourFamilies.map((name) => [name, { description: familyWords[name] }]),
  ) as Record<Family, { description: string }>,
})

export const toleranceDescription = `The largest distance that counts as this colour: 100 times the distance in OKLab, above 0 and at most ${maxTolerance}. 2 is hardly seen side by side, 10 is another shade, 25 another colour.`

export const ColourInput = builder.inputType('ColourInput', {
  description: 'A colour that an image shows.',
  fields: (t) => ({
    hex: t.string({ required: true, description: 'Such as #0a84ff.' }),
    tolerance: t.float({ required: true, defaultValue: defaultTolerance, description: toleranceDescription }),
    minShare: t.float({
      required: true,
      defaultValue: 0.02,
      description: 'The least share of what is drawn, 0..1, that has the colour.',
    }),
  }),
})

export const MadeOfInput = builder.inputType('MadeOfInput', {
  description: 'Colours that an image is made of.',
  fields: (t) => ({
    colours: t.stringList({
      required: true,
      description: `Hex colours such as #0a84ff, at most ${limits.paletteColours}.`,
    }),
    tolerance: t.float({ required: true, defaultValue: defaultTolerance, description: toleranceDescription }),
    minShare: t.float({
      required: true,
      defaultValue: 1,
      description: 'The least share of what is drawn, 0..1, that is in one of them.',
    }),
  }),
})

/** `#rrggbb` for each. @throws BadUserInput naming the entry that is no colour */
export function checkedHexes(given: readonly string[], argument: string): string[] {
  if (given.length === 0)
    throw new BadUserInput(`${argument} is empty: give at least one colour.`, { argument })
  atMost(given, limits.paletteColours, argument)
  return given.map((text, n) => checkedHex(text, `${argument}[${n}]`))
}

export function checkedHex(text: string, argument: string): string {
  const hex = readHex(text)
  if (hex === null)
    throw new BadUserInput(`${argument} is "${echoed(text)}", which is no hex colour such as #0a84ff.`, {
      argument,
    })
  return hex
}

export function checkedTolerance(tolerance: number, argument: string): number {
  if (tolerance > 0 && tolerance <= maxTolerance) return tolerance
  throw new BadUserInput(`${argument} is ${tolerance}; it is above 0 and at most ${maxTolerance}.`, {
    argument,
  })
}

export function checkedShare(share: number, argument: string): number {
  if (share >= 0 && share <= 1) return share
  throw new BadUserInput(`${argument} is ${share}; a share is from 0 to 1.`, { argument })
}
