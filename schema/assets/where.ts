import type { AssetFilter } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { cleanCollection } from '../../workers/ingest/labels/collections.ts'
import { characters, cleanLine, cleanText } from '../../workers/ingest/labels/texts.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { atMost } from '../core/errors.ts'
import {
  ColourFamily,
  ColourInput,
  checkedHex,
  checkedHexes,
  checkedShare,
  checkedTolerance,
  MadeOfInput,
} from './colour-inputs.ts'

export const Orientation = builder.enumType('Orientation', {
  description: 'Orientation of an image.',
  values: {
    LANDSCAPE: { description: 'Wider than tall.' },
    PORTRAIT: { description: 'Taller than wide.' },
    SQUARE: { description: 'As wide as tall.' },
  },
})

export const AssetWhere = builder.inputType('AssetWhere', {
  description: 'A filter for images. All given fields must match.',
  fields: (t) => ({
    ids: t.idList({ description: 'Has one of these ids.' }),
    collections: t.stringList({
      description:
        'Is in one of these collections, or in one that lies below them: "Brand" keeps "Brand/2025/Logos" too. Regardless of case.',
    }),
    tagsAll: t.stringList({ description: 'Has all of these tags, regardless of case.' }),
    tagsAny: t.stringList({ description: 'Has one of these tags, regardless of case.' }),
    mimeTypes: t.stringList({ description: 'Has one of these types, e.g. image/png.' }),
    text: t.string({
      description:
        'Words of name, title, tags, collections and description, as file names have them too. All must be there; "a phrase", or, and -not work, and the last word may be half typed.',
    }),
    orientation: t.field({ type: Orientation, description: 'Has this orientation.' }),
    minWidth: t.int({ description: 'Minimum width in pixels.' }),
    minHeight: t.int({ description: 'Minimum height in pixels.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Added after this moment.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Added before this moment.' }),
    colours: t.field({
      type: [ColourInput],
      description: `Shows all of these colours, at most ${maxColours}. Images whose colours are not known yet are left out.`,
    }),
    colourFamilies: t.field({
      type: [ColourFamily],
      description: 'A tenth of what is drawn or more is in one of these colours.',
    }),
    madeOf: t.field({ type: MadeOfInput, description: 'Consists of these colours.' }),
  }),
})

/** Entries of `colours`. */
const maxColours = 16

const lists = ['ids', 'collections', 'tagsAll', 'tagsAny', 'mimeTypes'] as const

/**
 * The given fields; null when there is none.
 * @throws BadUserInput for a list or text over its limit, or one that PostgreSQL's text cannot hold
 */
export function checkedWhere(where: typeof AssetWhere.$inferInput | null | undefined): AssetFilter | null {
  if (!where) return null
  for (const list of lists) atMost(where[list], limits.ids, `where.${list}`)
  const { text } = where
  if (text != null && characters(text) > limits.titleLength)
    throw new BadUserInput(
      `where.text has ${characters(text)} characters; at most ${limits.titleLength} are searched for. Shorten it.`,
    )
  for (const field of [...lists, 'text'] as const)
    if ([where[field]].flat().some((value) => value?.includes('\0')))
      throw new BadUserInput(`where.${field} holds a NUL character. Remove it.`)
  const given = Object.entries({ ...where, ...labelsOf(where), ...coloursOf(where) }).filter(
    ([, value]) => value != null,
  )
  return given.length > 0 ? Object.fromEntries(given) : null
}

/** The labels that are looked for, written as they are stored. */
function labelsOf({ collections, tagsAll, tagsAny, text }: typeof AssetWhere.$inferInput) {
  const lines = (texts: readonly string[] | null | undefined) => texts?.map(cleanLine)
  return {
    collections: collections?.map(cleanCollection),
    tagsAll: lines(tagsAll),
    tagsAny: lines(tagsAny),
    text: text == null ? text : cleanText(text),
  }
}

/** @throws BadUserInput for what is no colour, tolerance or share */
function coloursOf({
  colours,
  madeOf,
}: typeof AssetWhere.$inferInput): Pick<AssetFilter, 'colours' | 'madeOf'> {
  atMost(colours, maxColours, 'where.colours')
  return {
    colours: colours?.map(({ hex, tolerance, minShare }, n) => ({
      hex: checkedHex(hex, `where.colours[${n}].hex`),
      tolerance: checkedTolerance(tolerance, `where.colours[${n}].tolerance`),
      minShare: checkedShare(minShare, `where.colours[${n}].minShare`),
    })),
    madeOf: madeOf && {
      hexes: checkedHexes(madeOf.colours, 'where.madeOf.colours'),
      tolerance: checkedTolerance(madeOf.tolerance, 'where.madeOf.tolerance'),
      minShare: checkedShare(madeOf.minShare, 'where.madeOf.minShare'),
    },
  }
}
