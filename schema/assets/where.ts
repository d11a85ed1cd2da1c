import type { AssetFilter } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { characters, cleanLine, cleanText } from '../../workers/ingest/labels/texts.ts'
import { builder } from '../core/builder.ts'
import { atMost } from '../core/errors.ts'
import { limits } from '../core/limits.ts'

export const Orientation = builder.enumType('Orientation', {
  description: 'How an image lies.',
  values: {
    LANDSCAPE: { description: 'Wider than high.' },
    PORTRAIT: { description: 'Higher than wide.' },
    SQUARE: { description: 'As wide as high.' },
  },
})

export const AssetWhere = builder.inputType('AssetWhere', {
  description: 'Which images: every field that is given must hold.',
  fields: (t) => ({
    ids: t.idList({ description: 'One of these ids.' }),
    collections: t.stringList({
      description: 'In one of these collections, whose names are told apart by case.',
    }),
    tagsAll: t.stringList({ description: 'Has every one of these tags, in upper or lower case.' }),
    tagsAny: t.stringList({ description: 'Has one of these tags, in upper or lower case.' }),
    mimeTypes: t.stringList({ description: 'One of these types, e.g. image/png.' }),
    text: t.string({
      description:
        'Words of name, title, description or tags (Postgres full text): all must be there; "a phrase", or, and -not are understood.',
    }),
    orientation: t.field({ type: Orientation, description: 'How it lies.' }),
    minWidth: t.int({ description: 'At least so many pixels wide.' }),
    minHeight: t.int({ description: 'At least so many pixels high.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Taken in after this moment.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Taken in before this moment.' }),
  }),
})

const lists = ['ids', 'collections', 'tagsAll', 'tagsAny', 'mimeTypes'] as const

/**
 * The fields that are given; null where none is.
 * @throws BadUserInput for a list or text over its limit, or one that PostgreSQL's text cannot hold
 */
export function checkedWhere(where: typeof AssetWhere.$inferInput | null | undefined): AssetFilter | null {
  if (!where) return null
  for (const list of lists) atMost(where[list], limits.ids, `where.${list}`)
  const { text } = where
  if (text != null && characters(text) > limits.titleLength)
    throw new BadUserInput(
      `where.text has ${characters(text)} characters; at most ${limits.titleLength} are looked for. Shorten it.`,
    )
  for (const field of [...lists, 'text'] as const)
    if ([where[field]].flat().some((value) => value?.includes('\0')))
      throw new BadUserInput(`where.${field} holds a NUL character. Remove it.`)
  const given = Object.entries({ ...where, ...labelsOf(where) }).filter(([, value]) => value != null)
  return given.length > 0 ? Object.fromEntries(given) : null
}

/** The labels that are looked for, written as they are stored. */
function labelsOf({ collections, tagsAll, tagsAny, text }: typeof AssetWhere.$inferInput) {
  const lines = (texts: readonly string[] | null | undefined) => texts?.map(cleanLine)
  return {
    collections: lines(collections),
    tagsAll: lines(tagsAll),
    tagsAny: lines(tagsAny),
    text: text == null ? text : cleanText(text),
  }
}
