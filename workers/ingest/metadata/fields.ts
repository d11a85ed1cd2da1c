import { characters, cleanLine, cleanText } from '../labels/texts.ts'
import type { WrittenDate } from './dates.ts'
import { isMakersDefault } from './makers.ts'

/** What one source inside a file says. Texts may be cut by their source; {@link pick} finds the whole one. */
export interface Fields {
  title?: string | undefined
  headline?: string | undefined
  description?: string | undefined
  keywords?: readonly string[] | undefined
  /** When the image was taken, what is trusted most first. */
  taken?: readonly (WrittenDate | null)[] | undefined
  /** When the file was made, which may be later. */
  made?: WrittenDate | null | undefined
}

/**
 * IPTC keeps 64 bytes of a title or keyword, and cuts what is longer: 61 bytes may be all that is left where the last
 * character takes four.
 */
const shortestCut = 61

const mayBeCut = (text: string) => Buffer.byteLength(text) >= shortestCut

/** `text` is what is left of `whole`. */
const isCutFrom = (text: string, whole: string): boolean =>
  whole.length > text.length && mayBeCut(text) && whole.startsWith(text)

/** The first line that says anything; where it is cut, the source that has the whole of it. */
export const pickLine = (candidates: readonly (string | undefined)[]): string | null =>
  pick(candidates.map((text) => cleanLine(text ?? '')))

/** As {@link pickLine}, of several lines, and without the captions that cameras write by themselves. */
export const pickCaption = (candidates: readonly (string | undefined)[]): string | null =>
  pick(candidates.map((text) => cleanText(text ?? '')).filter((text) => !isMakersDefault(text)))

function pick(texts: readonly string[]): string | null {
  const [first, ...others] = texts.filter((text) => text !== '')
  if (first === undefined) return null
  return others
    .filter((text) => isCutFrom(first, text))
    .reduce((whole, text) => (characters(text) > characters(whole) ? text : whole), first)
}

/** Keywords of one source that are looked at: each is compared with all others, and an image keeps far fewer. */
const maxKeywords = 1000

/** The keywords of all sources, without those that are cut from another. */
export function unite(lists: readonly (readonly string[] | undefined)[]): string[] {
  const all = lists.flatMap((list) => list?.slice(0, maxKeywords) ?? []).map(cleanLine)
  const long = all.filter(mayBeCut)
  return [...new Set(all)].filter((word) => word !== '' && !long.some((other) => isCutFrom(word, other)))
}
