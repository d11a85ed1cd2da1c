/** Conditions on an asset's words, in the text form of PostgreSQL's type tsquery. */
import type { Field } from '../text/document.ts'
import { isFunctionWord } from '../text/function-words.ts'
import { formsOf, gramsOf, joined, joinMark, quoted, stemMark } from '../text/lexemes.ts'
import type { Piece } from '../text/split.ts'
import { parseQuery, type QueryWord } from './query.ts'

/** A lexeme, or all that begin with it, in any field or in one. */
export interface Lexeme {
  text: string
  begins?: boolean
}

export const lexemeQuery = ({ text, begins }: Lexeme, field: Field | '' = ''): string =>
  begins || field ? `${quoted(text)}:${begins ? '*' : ''}${field}` : quoted(text)

export const anyOf = (queries: readonly string[]): string =>
  queries.length === 1 ? queries[0]! : `(${queries.join(' | ')})`
export const allOf = (queries: readonly string[]): string =>
  queries.length === 1 ? queries[0]! : `(${queries.join(' & ')})`
/** One behind the other. */
export const inOrder = (queries: readonly string[]): string =>
  queries.length === 1 ? queries[0]! : `(${queries.join(' <-> ')})`

/** What a piece is stored as where a text has the very word, and where it has another form of it. */
export function lexemesOf(piece: Piece): { same: Lexeme[]; forms: Lexeme[] } {
  const { kind, text, spelling } = piece
  const same = spelling ? [{ text }, { text: spelling }] : [{ text }]
  if (kind !== 'word' && kind !== 'number') return { same, forms: [] }
  const root = formsOf(piece)[0]?.slice(stemMark.length) ?? text
  const forms = [{ text: stemMark + root }, { text: joinMark + text }]
  return { same, forms: root === text ? forms : [{ text: root }, ...forms] }
}

/** The pairs of letters of a run; of a single letter, all pairs that begin with it. */
export function runLexemes(run: string): Lexeme[] {
  const grams = gramsOf(run)
  return grams.length === 1
    ? [{ text: grams[0]!, begins: true }]
    : grams.slice(0, -1).map((text) => ({ text }))
}

function pieceQuery(piece: Piece, open: boolean): string {
  if (piece.kind === 'run') return inOrder(runLexemes(piece.text).map((gram) => lexemeQuery(gram)))
  const { same, forms } = lexemesOf(piece)
  const begun = open
    ? same.filter(({ text }) => text.length > 1).map(({ text }) => ({ text, begins: true }))
    : []
  return anyOf([...same, ...forms, ...begun].map((lexeme) => lexemeQuery(lexeme)))
}

/** A word as typed: pieces of one word stand together, pieces between dashes need not. */
export function wordQuery({ pieces, phrase, open }: QueryWord): string {
  const groups: string[][] = []
  for (const [n, piece] of pieces.entries()) {
    const query = pieceQuery(piece, open && n === pieces.length - 1)
    if (n > 0 && (phrase || piece.joint === 'word')) groups.at(-1)!.push(query)
    else groups.push([query])
  }
  const apart = allOf(groups.map(inOrder))
  const whole = !phrase && pieces.length > 1 ? joined(pieces) : null
  if (whole === null) return apart
  return anyOf([
    apart,
    ...[{ text: whole, begins: open }, { text: joinMark + whole }].map((one) => lexemeQuery(one)),
  ])
}

const saysLittle = ({ pieces, phrase }: QueryWord) =>
  !phrase && pieces.every(({ text }) => isFunctionWord(text))

/**
 * The condition that a filter's text stands for: all words, or all of an alternative. Function words count only where
 * there is nothing else. Null for a text without words.
 */
export function textQuery(text: string): string | null {
  const { alternatives, excluded } = parseQuery(text)
  const without = excluded.map((word) => `!${wordQuery(word)}`)
  const wanted = alternatives.map((words) => {
    const telling = words.filter((word) => !saysLittle(word))
    return allOf((telling.length > 0 ? telling : words).map(wordQuery))
  })
  const parts = wanted.length > 0 ? [anyOf(wanted), ...without] : without
  return parts.length > 0 ? allOf(parts) : null
}
