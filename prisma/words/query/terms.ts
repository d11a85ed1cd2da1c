/** What a prompt asks for by words, for scoring: terms that an image has or has not, each in several forms. */
import type { Field } from '../text/document.ts'
import { isFunctionWord } from '../text/function-words.ts'
import { stemMark, wholeOf, withoutEnding } from '../text/lexemes.ts'
import type { Piece } from '../text/split.ts'
import { parseQuery, type Query, type QueryWord } from './query.ts'
import { anyOf, inOrder, type Lexeme, lexemeQuery, lexemesOf, runLexemes } from './tsquery.ts'

/** A condition on the words of one field, or of any. */
export type FieldQuery = (field: Field | '') => string

export interface Term {
  /** The word itself, where it is one that may be misspelt or half typed. */
  word: string | null
  /** The text ends with it. */
  open: boolean
  /** Says little by itself. */
  little: boolean
  /** Lists of lexemes by which it is counted: of a phrase one for each piece. */
  counted: string[][]
  query: FieldQuery
}

/** The terms of one alternative of a prompt. */
export type Terms = Term[]

/** Terms of one prompt: more of them are no request by words any more. */
const maxTerms = 24
/** Terms of all prompts of a search: a cursor holds a few letters for each. */
export const maxPlanTerms = 72

/** The words of a prompt, of which nothing depends on the library. */
export interface PromptWords {
  alternatives: Terms[]
  /** Whole names and titles that the prompt may be. */
  wholes: string[]
  excluded: QueryWord[]
  /** What a text encoder is to read. */
  plain: string
}

/** @param most terms that other prompts have left */
export function promptWords(text: string, most = maxPlanTerms): PromptWords {
  const query = parseQuery(text)
  let left = Math.min(maxTerms, most)
  const alternatives: Terms[] = []
  for (const words of query.alternatives) {
    const terms = termsOf(words).slice(0, left)
    left -= terms.length
    if (terms.length > 0) alternatives.push(terms)
  }
  return { alternatives, wholes: wholesOf(query), excluded: query.excluded, plain: query.plain }
}

/** A name with or without its ending, and the last part of a path. */
function wholesOf({ plain, alternatives }: Query): string[] {
  if (alternatives.length === 0) return []
  const file = plain.slice(0, 1000).split(/[\\/]/).at(-1)!
  const given = [plain.slice(0, 1000), file, withoutEnding(file)]
  return [...new Set(given.map(wholeOf))].filter((whole) => whole !== null)
}

function termsOf(words: readonly QueryWord[]): Terms {
  const terms: Terms = []
  const plain = words.filter(({ phrase }) => !phrase).flatMap(({ pieces, open }) => withOpen(pieces, open))
  const joins = new Map<Piece, Lexeme[]>()
  for (const [n, { piece }] of plain.entries()) {
    const next = plain[n + 1]?.piece
    if (piece.kind !== 'word' || next?.kind !== 'word') continue
    // "check box" is found in "checkbox".
    for (const one of [piece, next])
      joins.set(one, [...(joins.get(one) ?? []), { text: piece.text + next.text }])
  }
  for (const { pieces, phrase, open } of words) {
    if (phrase) terms.push(phraseTerm(pieces))
    else
      for (const { piece, open: last } of withOpen(pieces, open))
        terms.push(...pieceTerms(piece, joins.get(piece) ?? [], last))
  }
  return terms
}

const withOpen = (pieces: readonly Piece[], open: boolean) =>
  pieces.map((piece, n) => ({ piece, open: open && n === pieces.length - 1 }))

function pieceTerms(piece: Piece, joins: readonly Lexeme[], open: boolean): Terms {
  if (piece.kind === 'run')
    return runLexemes(piece.text).map((lexeme) => ({
      ...{ word: null, open: false, little: false, counted: [[lexeme.text]] },
      query: (field) => lexemeQuery(lexeme, field),
    }))
  const { same, forms } = lexemesOf(piece)
  const all = [...same, ...forms, ...joins]
  return [
    {
      ...{ word: piece.kind === 'word' ? piece.text : null, open, little: isFunctionWord(piece.text) },
      counted: [all.map(({ text }) => text)],
      query: (field) => anyOf(all.map((lexeme) => lexemeQuery(lexeme, field))),
    },
  ]
}

function phraseTerm(pieces: readonly Piece[]): Term {
  const parts = pieces.map((piece): Lexeme[][] => {
    if (piece.kind === 'run') return runLexemes(piece.text).map((lexeme) => [lexeme])
    const { same, forms } = lexemesOf(piece)
    return [[...same, ...forms]]
  })
  const places = parts.flat()
  return {
    ...{ word: null, open: false, little: false },
    counted: places.map((lexemes) => lexemes.map(({ text }) => text)),
    query: (field) =>
      inOrder(places.map((lexemes) => anyOf(lexemes.map((lexeme) => lexemeQuery(lexeme, field))))),
  }
}

/** How many assets have one of a term's lexemes, near enough: those with a stem are others than those with its word. */
export function countOf(lexemes: readonly string[], documents: ReadonlyMap<string, number>): number {
  const counts = lexemes.map((lexeme) => documents.get(lexeme) ?? 0)
  const stem = lexemes.findIndex((lexeme) => lexeme.startsWith(stemMark))
  if (stem < 0) return Math.max(0, ...counts)
  const root = documents.get(lexemes[stem]!.slice(stemMark.length)) ?? 0
  return Math.max(root + counts[stem]!, ...counts)
}
