import type { Vocabulary } from '../vocabulary.ts'
import {
  bitsOf,
  decodeFixed,
  documentsOf,
  type FixedTerm,
  type GivenPrompt,
  planOf,
  type WordPlan,
} from './plan.ts'
import type { PromptWords, Term } from './terms.ts'

/** A word that so few assets have may be a slip that somebody made when they named them. */
const rare = 2
/** How many times as many must have the word that it is taken for. */
const likelier = 10
/** Letters of a word that may be misspelt, and of one that may be half typed. */
const leastLetters = { near: 4, begins: 3 }
const mostLetters = 32
/** Words that one is taken for, and words of a search that are looked into. */
const nearWords = 2
const maxUnknown = 6

/** Says what a search by words looks for, and what each term counts. */
export class Planner {
  readonly #vocabulary: Vocabulary

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  /**
   * @param fixed of the plan of the page before: nothing but the counts of the moment changes
   * @returns null where `fixed` is of no such prompts
   */
  async plan(given: readonly GivenPrompt[], fixed: string | null = null): Promise<WordPlan | null> {
    const terms = given.flatMap(({ words }) => words.alternatives.flat())
    const before = fixed === null ? null : decodeFixed(fixed, terms.length)
    if (fixed !== null && !before) return null
    const counted = [
      ...terms.flatMap((term) => term.counted.flat()),
      ...(before ?? []).flatMap(({ near }) => near),
    ]
    const [documents, total] = await Promise.all([
      this.#vocabulary.documents(counted),
      this.#vocabulary.total(),
    ])
    const found = before ?? (await this.#fix(terms, documents, total))
    return planOf(given, found, documents, total)
  }

  /** Words that no asset has in any form, folded; function words apart. */
  async unknown({ alternatives }: PromptWords): Promise<string[]> {
    const terms = alternatives.flat()
    const documents = await this.#vocabulary.documents(terms.flatMap((term) => term.counted.flat()))
    return terms
      .filter((term) => !term.little && documentsOf(term, documents) === 0)
      .flatMap(({ word }) => (word === null ? [] : [word]))
      .filter((word) => word.length <= mostLetters)
      .slice(0, maxUnknown)
  }

  /** Also puts the counts of words that others are taken for into `documents`. */
  async #fix(terms: readonly Term[], documents: Map<string, number>, total: number): Promise<FixedTerm[]> {
    let unknown = 0
    return Promise.all(
      terms.map(async (term): Promise<FixedTerm> => {
        const known = documentsOf(term, documents)
        const { word, open, little } = term
        const fixed: FixedTerm = { bits: bitsOf(known, total), begins: false, near: [] }
        if (word === null || little || known > rare || word.length > mostLetters) return fixed
        fixed.begins = word.length >= leastLetters.begins && (open || known === 0)
        if (word.length < leastLetters.near || ++unknown > maxUnknown) return fixed
        const near = (await this.#vocabulary.near(word)).filter(
          (one) => known === 0 || one.documents >= likelier * known,
        )
        for (const one of near.slice(0, nearWords)) {
          fixed.near.push(one.term)
          documents.set(one.term, one.documents)
        }
        return fixed
      }),
    )
  }
}
