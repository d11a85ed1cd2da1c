import type { AssetFilter } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { cleanCollection } from '../../workers/ingest/labels/collections.ts'
import { characters, cleanLine, cleanText } from '../../workers/ingest/labels/texts.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { atMost } from '../core/errors.ts'
import { IndexStatus } from './asset.ts'
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

/** As callers give it. */
export interface GivenWhere
  extends Omit<AssetFilter, 'and' | 'or' | 'not' | 'colours' | 'colourFamilies' | 'madeOf' | 'words'> {
  and?: GivenWhere[] | null
  or?: GivenWhere[] | null
  not?: GivenWhere | null
  colours?: (typeof ColourInput.$inferInput)[] | null
  colourFamilies?: (typeof ColourFamily.$inferType)[] | null
  madeOf?: typeof MadeOfInput.$inferInput | null
}

export const AssetWhere = builder.inputRef<GivenWhere>('AssetWhere')
AssetWhere.implement({
  description:
    'A filter for images. All given fields must match; and, or, not join filters. An empty filter keeps every image.',
  fields: (t) => ({
    and: t.field({ type: [AssetWhere], description: 'All of these filters match.' }),
    or: t.field({
      type: [AssetWhere],
      description: 'One of these filters matches, beside the other fields. An empty list keeps nothing.',
    }),
    not: t.field({
      type: AssetWhere,
      description:
        'This filter does not match: not: { tagsAll: ["a", "b"] } keeps images that lack one of the two. An image without a date is not taken after one, so it is kept by not: { takenAfter: ... }.',
    }),
    ids: t.idList({ description: 'Has one of these ids.' }),
    contentHashes: t.stringList({
      description: 'Its file has one of these SHA-256 (hex): tells whether a file is there already.',
    }),
    collections: t.stringList({
      description:
        'Is in one of these collections, or in one that lies below them: "Brand" keeps "Brand/2025/Logos" too. Regardless of case.',
    }),
    collectionsNone: t.stringList({ description: 'Is in none of these collections, nor in one below them.' }),
    inNoCollection: t.boolean({ description: 'True: is in no collection. False: is in one.' }),
    tagsAll: t.stringList({ description: 'Has all of these tags, regardless of case.' }),
    tagsAny: t.stringList({ description: 'Has one of these tags, regardless of case.' }),
    tagsNone: t.stringList({ description: 'Has none of these tags, regardless of case.' }),
    untagged: t.boolean({ description: 'True: has no tags. False: has some.' }),
    mimeTypes: t.stringList({ description: 'Has one of these types, e.g. image/png.' }),
    text: t.string({
      description:
        'Words of name, title, tags, collections and description, as file names have them too. All must be there; "a phrase", or, and -not work, and the last word may be half typed.',
    }),
    status: t.field({ type: [IndexStatus], description: 'Has one of these statuses (indexStatus).' }),
    orientation: t.field({ type: Orientation, description: 'Has this orientation.' }),
    minAspect: t.float({ description: 'Width / height is this or more: 1.5 for 3:2 and wider.' }),
    maxAspect: t.float({ description: 'Width / height is this or less: 0.6 for 9:16 and taller.' }),
    minWidth: t.int({ description: 'Minimum width in pixels.' }),
    minHeight: t.int({ description: 'Minimum height in pixels.' }),
    minBytes: t.int({ description: 'Minimum size of the file.' }),
    maxBytes: t.int({ description: 'Maximum size of the file.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Added after this moment.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Added before this moment.' }),
    takenAfter: t.field({
      type: 'DateTime',
      description: 'Taken after this moment; an image without a date is not.',
    }),
    takenBefore: t.field({
      type: 'DateTime',
      description: 'Taken before this moment; an image without a date is not.',
    }),
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

const lists = [
  'ids',
  'contentHashes',
  'collections',
  'collectionsNone',
  'tagsAll',
  'tagsAny',
  'tagsNone',
  'mimeTypes',
] as const

/**
 * The given fields; null when there is none.
 * @throws BadUserInput for a filter, list or text over its limit, or one that PostgreSQL's text cannot hold
 */
export function checkedWhere(where: GivenWhere | null | undefined, argument = 'where'): AssetFilter | null {
  if (!where) return null
  checkSize(where, argument)
  return checked(where, argument)
}

/** Before anything else is looked at: a filter may be a whole tree. @throws BadUserInput */
function checkSize(where: GivenWhere, argument: string): void {
  let conditions = 0
  const visit = ({ and, or, not, ...fields }: GivenWhere, depth: number): void => {
    if (depth > limits.whereDepth)
      throw new BadUserInput(
        `${argument} has more than ${limits.whereDepth} filters inside one another (whereDepth). Join them in one list of and or or.`,
        { argument, limit: limits.whereDepth },
      )
    const inner = [...(and ?? []), ...(or ?? []), ...(not ? [not] : [])]
    conditions += Object.values(fields).filter((value) => value != null).length + inner.length
    if (conditions > limits.whereConditions)
      throw new BadUserInput(
        `${argument} has more than ${limits.whereConditions} conditions, those of and, or and not among them (whereConditions). Use lists such as tagsAny in place of many filters.`,
        { argument, limit: limits.whereConditions },
      )
    for (const one of inner) visit(one, depth + 1)
  }
  visit(where, 1)
}

function checked(where: GivenWhere, place: string): AssetFilter | null {
  for (const list of lists) atMost(where[list], limits.ids, `${place}.${list}`)
  const { text } = where
  if (text != null && characters(text) > limits.titleLength)
    throw new BadUserInput(
      `${place}.text has ${characters(text)} characters; at most ${limits.titleLength} are searched for. Shorten it.`,
    )
  for (const field of [...lists, 'text'] as const)
    if ([where[field]].flat().some((value) => value?.includes('\0')))
      throw new BadUserInput(`${place}.${field} holds a NUL character. Remove it.`)
  const inner = {
    and: where.and?.map((one, n) => checked(one, `${place}.and[${n}]`) ?? {}),
    or: where.or?.map((one, n) => checked(one, `${place}.or[${n}]`) ?? {}),
    not: where.not && (checked(where.not, `${place}.not`) ?? {}),
  }
  const given = Object.entries({ ...where, ...labelsOf(where), ...coloursOf(where, place), ...inner }).filter(
    ([, value]) => value != null,
  )
  return given.length > 0 ? Object.fromEntries(given) : null
}

/** The labels that are looked for, written as they are stored. */
function labelsOf({ collections, collectionsNone, tagsAll, tagsAny, tagsNone, text }: GivenWhere) {
  const lines = (texts: readonly string[] | null | undefined) => texts?.map(cleanLine)
  return {
    collections: collections?.map(cleanCollection),
    collectionsNone: collectionsNone?.map(cleanCollection),
    tagsAll: lines(tagsAll),
    tagsAny: lines(tagsAny),
    tagsNone: lines(tagsNone),
    text: text == null ? text : cleanText(text),
  }
}

/** @throws BadUserInput for what is no colour, tolerance or share */
function coloursOf({ colours, madeOf }: GivenWhere, place: string): Pick<AssetFilter, 'colours' | 'madeOf'> {
  atMost(colours, maxColours, `${place}.colours`)
  return {
    colours: colours?.map(({ hex, tolerance, minShare }, n) => ({
      hex: checkedHex(hex, `${place}.colours[${n}].hex`),
      tolerance: checkedTolerance(tolerance, `${place}.colours[${n}].tolerance`),
      minShare: checkedShare(minShare, `${place}.colours[${n}].minShare`),
    })),
    madeOf: madeOf && {
      hexes: checkedHexes(madeOf.colours, `${place}.madeOf.colours`),
      tolerance: checkedTolerance(madeOf.tolerance, `${place}.madeOf.tolerance`),
      minShare: checkedShare(madeOf.minShare, `${place}.madeOf.minShare`),
    },
  }
}
