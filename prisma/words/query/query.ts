/**
 * What people type into a search box: words, "a phrase", or, -not, and a last word that may be half typed.
 * {@link parseQuery} only takes it apart; conditions.ts and terms.ts say what it asks for.
 */
import { type Piece, pieces } from '../text/split.ts'

/** A word as typed, which may have several pieces: "red-heart", "v2.1". */
export interface QueryWord {
  pieces: Piece[]
  /** In quotation marks: the pieces follow one another. */
  phrase: boolean
  /** The text ends with it, so more letters may follow. */
  open: boolean
}

export interface Query {
  /** Alternatives, joined by "or"; each is the words that belong together. */
  alternatives: QueryWord[][]
  /** What no match may have. */
  excluded: QueryWord[]
  /** The text without what is excluded and without quotation marks: what a text encoder is to read. */
  plain: string
}

/** Characters that are looked at: the rest of a longer text is no request by words any more. */
const maxCharacters = 2000
/** Pieces that are looked for. */
const maxPieces = 64

/** A minus before a word or phrase, a phrase, or anything up to the next blank. */
const item = /(?<=^|\s)[-\u2212]?["“”„«»][^"“”„«»]*(?:["“”„«»]|$)|\S+/gu
const quotes = /["“”„«»]/gu
const excludes = /^[-\u2212](?=["“”„«»\p{L}\p{N}\p{Emoji_Presentation}])/u

export function parseQuery(text: string): Query {
  const given = text.slice(0, maxCharacters)
  const query: Query = { alternatives: [[]], excluded: [], plain: text }
  const kept: string[] = []
  let left = maxPieces
  let operators = false
  let typing: QueryWord | null = null
  for (const [token] of given.matchAll(item)) {
    const not = excludes.test(token)
    const body = not ? token.slice(1) : token
    const phrase = /^["“”„«»]/u.test(body)
    const bare = body.replace(quotes, ' ').trim()
    if (not || bare !== token) operators = true
    typing = null
    if (!not && bare) kept.push(bare)
    if (!phrase && !not && /^(?:or|\|\|?)$/i.test(token)) {
      if (query.alternatives.at(-1)!.length > 0) query.alternatives.push([])
      continue
    }
    const found = [...take(pieces(bare), left)]
    left -= found.length
    if (found.length === 0) continue
    const word: QueryWord = { pieces: found, phrase: phrase && found.length > 1, open: false }
    if (not) query.excluded.push(word)
    else {
      query.alternatives.at(-1)!.push(word)
      if (!phrase) typing = word
    }
  }
  if (query.alternatives.at(-1)!.length === 0) query.alternatives.pop()
  if (typing && given === text && /[\p{L}\p{M}\p{N}]$/u.test(text)) typing.open = true
  if (operators) query.plain = kept.join(' ') + text.slice(maxCharacters)
  return query
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  if (count <= 0) return
  for (const one of items) {
    yield one
    if (--count <= 0) return
  }
}
