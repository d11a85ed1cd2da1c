/**
 * The one way in for texts about images: from callers, from metadata, from names of folders and from filters. So what
 * is stored can be saved again as it is, and a filter compares what people read.
 */
import { limits } from '../../limits.ts'

/** In characters (code points), tags, collections and their levels, on the way in as on the way back. */
export const labelLimits = {
  name: limits.nameLength,
  title: limits.titleLength,
  description: limits.descriptionLength,
  collection: limits.collectionLength,
  collections: limits.collections,
  collectionDepth: limits.collectionDepth,
  tag: limits.tagLength,
  tags: limits.tags,
} as const

/** Lone surrogates and byte order marks; with control characters, all that shows nothing. */
const invisible = /[\p{Cs}\ufeff]/gu
const controls = /(?![\t\n])\p{Cc}/gu

/** A text of several lines: in NFC, without control characters; PostgreSQL's text takes no NUL. */
export const cleanText = (text: string): string =>
  text
    .replace(invisible, '')
    .replace(/\r\n?|[\v\f\x85\u2028\u2029]/g, '\n')
    .replace(controls, '')
    .normalize('NFC')
    .trim()

/** A text of one line: as {@link cleanText}, and each run of blanks is one space. */
export const cleanLine = (text: string): string => cleanText(text).replace(/\s+/g, ' ')

/** Characters as people count them, near enough: code points. */
export function characters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** The first `max` characters. */
export const firstCharacters = (text: string, max: number): string =>
  text.length <= max ? text : [...text].slice(0, max).join('').trimEnd()

/** The last `max` characters: of a file's name, which ends in its type. */
export const lastCharacters = (text: string, max: number): string =>
  text.length <= max ? text : [...text].slice(-max).join('').trimStart()

/** Cleaned, without empty ones and without repeats (case aside: the first spelling stays), within the limits. */
export function joinTags(...lists: (readonly string[] | null | undefined)[]): string[] {
  const seen = new Map<string, string>()
  for (const tag of lists.flatMap((list) => list ?? [])) {
    const clean = firstCharacters(cleanLine(tag), labelLimits.tag)
    const key = clean.toLowerCase()
    if (clean && !seen.has(key)) seen.set(key, clean)
  }
  return [...seen.values()].slice(0, labelLimits.tags)
}
