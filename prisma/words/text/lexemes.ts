/** What a piece of text is stored as and looked for as: the one place where documents and queries must agree. */
import { createHash } from 'node:crypto'
import { maxLength, type Piece, pieces } from './split.ts'
import { stem } from './stem.ts'

/**
 * Raised whenever a text would give other lexemes: stored words of an older revision are rewritten after the start.
 */
export const wordsRevision = 1

/** Before a stem, two pieces joined, and a whole name or title: none is mistaken for a word of the text itself. */
export const stemMark = '~'
export const joinMark = '+'
export const wholeMark = '='

/** A whole name that is longer is known by its digest: a lexeme has 2 KB at most. */
const maxWhole = 120

/** The forms of a word or number that are other lexemes; several words may share one. */
export function formsOf({ kind, text }: Pick<Piece, 'kind' | 'text'>): string[] {
  const root = kind === 'number' ? text.replace(/^0+(?=\d)/, '') : kind === 'word' ? stem(text) : text
  return root === text ? [] : [stemMark + root]
}

/** The pairs of letters of a run, and its last letter: a run of one is found as the beginning of a pair. */
export function gramsOf(run: string): string[] {
  const letters = [...run]
  return letters.map((letter, n) => letter + (letters[n + 1] ?? ''))
}

/** The name or title as one lexeme: whatever stands between its words. Null for one without letters. */
export function wholeOf(text: string): string | null {
  let joined = ''
  for (const piece of pieces(text)) joined += piece.text
  if (joined === '') return null
  if (joined.length <= maxWhole) return wholeMark + joined
  return wholeMark + createHash('sha256').update(joined).digest('base64url')
}

/** Of a file's name. */
const ending = /\.(?=[a-z0-9]*[a-z])[a-z0-9]{2,5}$/i
export const withoutEnding = (name: string): string => name.replace(ending, '')

/** Two or more pieces of one compound as one word: "t-shirt" is "tshirt". Null where that is too long for one. */
export function joined(parts: readonly Piece[]): string | null {
  const text = parts.map((piece) => piece.text).join('')
  return text.length <= maxLength && parts.every(({ kind }) => kind === 'word' || kind === 'number')
    ? text
    : null
}

/** A lexeme as tsvector and tsquery are written. */
export const quoted = (lexeme: string): string => `'${lexeme.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
