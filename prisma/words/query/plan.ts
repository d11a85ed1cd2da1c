/**
 * How much each term of a search counts. It is fixed on the first page and travels in the cursor: a score depends on
 * the query and the row alone, whatever is added or counted anew between two pages.
 */
import type { Field } from '../text/document.ts'
import { quoted } from '../text/lexemes.ts'
import { maxLength } from '../text/split.ts'
import { countOf, type FieldQuery, type PromptWords, type Term } from './terms.ts'
import { anyOf, lexemeQuery, wordQuery } from './tsquery.ts'

/** What a match in each field counts: a name says more of an image than a sentence about it. */
export const fieldValues: Record<Field, number> = { A: 1, B: 0.95, C: 0.9, D: 0.7 }
/** What the beginning of a word counts, and a word that differs in one letter. */
const beginsValue = 0.5
const nearValue = 0.7
/** Function words count this part of what they would. */
const littleWeight = 0.1
/** A smaller share of what was asked for is no match: a word of a sentence that happens to be in a name. */
const floor = 0.2
/** Full coverage; 1 is a whole name or title. */
const ceiling = 0.8
/** Half bits of information at which a match is taken at its word: a twelfth of the library has it. */
const fullBits = 7
/** Smaller libraries than this are counted as if they were as large. */
const leastTotal = 200
const maxBits = 35

/** A way to match a term, and what it counts. */
export interface Level {
  value: number
  query: FieldQuery
}

export interface PlannedTerm {
  /** Best first. */
  levels: Level[]
  /** In half bits, as counted when the search began. */
  weight: number
  /** About how many assets match. */
  documents: number
  /** Without one of these an alternative counts nothing. */
  essential: boolean
}

export interface PlannedAlternative {
  terms: PlannedTerm[]
  /** 0..1: less where all terms are so common that having them says little. */
  confidence: number
}

export interface PlannedPrompt {
  /** Above 0, of all prompts' sum of |weight|. */
  weight: number
  alternatives: PlannedAlternative[]
  wholes: string[]
}

export interface WordPlan {
  prompts: PlannedPrompt[]
  /** Conditions that no match may fulfil. */
  excluded: string[]
  /** What a cursor must carry. */
  fixed: string
  /** Assets when they were last counted. */
  total: number
}

/** What a term was found to be when the search began. */
export interface FixedTerm {
  bits: number
  begins: boolean
  /** Words of the library that it is taken for. */
  near: string[]
}

export interface GivenPrompt {
  words: PromptWords
  weight: number
}

/** The bits of information in each of the counts. */
export const bitsOf = (documents: number, total: number): number =>
  Math.min(
    maxBits,
    Math.max(0, Math.round(2 * Math.log2((Math.max(total, leastTotal) + 1) / (documents + 0.5)))),
  )

/** Assets that have one of a term's counted lexemes; of a phrase those that its rarest piece allows. */
export const documentsOf = (term: Term, documents: ReadonlyMap<string, number>): number =>
  Math.min(...term.counted.map((lexemes) => countOf(lexemes, documents)))

export function planOf(
  given: readonly GivenPrompt[],
  fixed: readonly FixedTerm[],
  documents: ReadonlyMap<string, number>,
  total: number,
): WordPlan {
  let place = 0
  const prompts = given.map(
    ({ words, weight }): PlannedPrompt => ({
      weight,
      wholes: words.wholes,
      alternatives: words.alternatives.map((terms) =>
        alternativeOf(
          terms.map((term) => {
            const found = fixed[place++]!
            const known = documentsOf(term, documents)
            const near = Math.max(0, ...found.near.map((word) => documents.get(word) ?? 0))
            return {
              levels: levelsOf(term, found),
              weight: Math.max(0.5, found.bits) * (term.little ? littleWeight : 1),
              documents: known + near,
              essential: true,
            }
          }),
        ),
      ),
    }),
  )
  return {
    prompts,
    excluded: given.flatMap(({ words }) => words.excluded.map(wordQuery)),
    fixed: encodeFixed(fixed),
    total,
  }
}

function levelsOf(term: Term, { begins, near }: FixedTerm): Level[] {
  const levels: Level[] = [{ value: 1, query: term.query }]
  if (near.length > 0)
    levels.push({
      value: nearValue,
      query: (field) => anyOf(near.map((text) => lexemeQuery({ text }, field))),
    })
  if (begins)
    levels.push({
      value: beginsValue,
      query: (field) => lexemeQuery({ text: term.word!, begins: true }, field),
    })
  return levels
}

function alternativeOf(terms: PlannedTerm[]): PlannedAlternative {
  const sum = terms.reduce((total, { weight }) => total + weight, 0)
  const alternative = { terms, confidence: Math.min(1, sum / fullBits) }
  let left = 0
  for (const term of [...terms].sort((a, b) => a.weight - b.weight)) {
    left += term.weight
    term.essential = wordsOfCoverage(left / sum, alternative) > 0
  }
  // Of terms that all say little, the most telling one still counts.
  if (!terms.some(({ essential }) => essential))
    terms.sort((a, b) => b.weight - a.weight)[0]!.essential = true
  return alternative
}

/** 0..ceiling, from the share of an alternative's weights that a row has. */
export function wordsOfCoverage(
  coverage: number,
  { confidence }: Pick<PlannedAlternative, 'confidence'>,
): number {
  const value = coverage * confidence
  return value < floor ? 0 : ceiling * value
}

/** {@link wordsOfCoverage} in SQL. */
export const coverageSql = { floor, ceiling }

/** The share of what was asked for, 0..1, that gave a row this many words; 1 for a whole name or title. */
export const coverageOf = (words: number): number => Math.min(1, words / ceiling)

/** All lexemes of a prompt that a match may have, as conditions: any one of them makes a row a match. */
export const essentialQueries = (prompt: PlannedPrompt): string[] => [
  ...prompt.wholes.map((whole) => quoted(whole)),
  ...prompt.alternatives.flatMap(({ terms }) =>
    terms.filter(({ essential }) => essential).flatMap(({ levels }) => levels.map(({ query }) => query(''))),
  ),
]

const encodeFixed = (terms: readonly FixedTerm[]): string =>
  terms
    .map(({ bits, begins, near }) => [bits.toString(36) + (begins ? '*' : ''), ...near].join('/'))
    .join(' ')

/** Null for a text that no plan of so many terms has given. */
export function decodeFixed(text: string, terms: number): FixedTerm[] | null {
  const parts = text === '' ? [] : text.split(' ')
  if (parts.length !== terms) return null
  const fixed = parts.map((part): FixedTerm | null => {
    const [head, ...near] = part.split('/')
    const [, bits, begins] = /^([0-9a-z])(\*?)$/.exec(head!) ?? []
    const sane = near.every((word) => /^\p{L}[\p{L}\p{M}]*$/u.test(word) && word.length <= maxLength)
    return bits === undefined || !sane
      ? null
      : { bits: Number.parseInt(bits, 36), begins: begins === '*', near }
  })
  return fixed.every((term) => term !== null) ? fixed : null
}
