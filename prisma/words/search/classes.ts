/** Rows of many, told apart by which of the common terms of a search they have. */

import { fieldValues, type PlannedTerm, type WordPlan } from '../query/plan.ts'
import { anyOf } from '../query/tsquery.ts'
import { type Field, fields } from '../text/document.ts'
import { liftBy } from './score.ts'

export interface WordClass {
  has: string[]
  lacks: string[]
  /** What the words add to its rows at most, and at least; in cosines times the prompts' weights. */
  most: number
  least: number
}

/** Terms that make classes: each more doubles them. */
const maxClassTerms = 3

/**
 * The classes of rows that have a common term and none of the conditions in `apart`. They have no common rows.
 * @param common the most telling first
 */
export function classesOf(
  plan: WordPlan,
  common: readonly PlannedTerm[],
  apart: readonly string[],
  strength: number,
): WordClass[] {
  const [only, second] = common
  if (only && !second && only.levels.length === 1) return fieldClasses(plan, only, apart, strength)
  const telling = common.slice(0, maxClassTerms)
  const lesser = common.slice(maxClassTerms)
  const classes: WordClass[] = []
  for (let subset = 2 ** telling.length - 1; subset > 0; subset--) {
    const held = telling.filter((_, n) => subset & (1 << n))
    const missing = telling.filter((term) => !held.includes(term))
    classes.push({
      has: held.map(termQuery),
      lacks: [...missing.map(termQuery), ...apart],
      ...boundsOf(plan, strength, held, [...held, ...lesser]),
    })
  }
  if (lesser.length > 0)
    classes.push({
      has: [anyOf(lesser.map(termQuery))],
      lacks: [...telling.map(termQuery), ...apart],
      ...boundsOf(plan, strength, [], lesser),
    })
  return classes
}

/** Of one term: by the first field that has it, so that all rows of a class have the same words. */
function fieldClasses(
  plan: WordPlan,
  term: PlannedTerm,
  apart: readonly string[],
  strength: number,
): WordClass[] {
  const { query } = term.levels[0]!
  return fields.map((field: Field, n) => {
    const lift = (others: number) =>
      liftBy(plan, strength, (one) => (one === term ? fieldValues[field] : one.essential ? 0 : others))
    return {
      has: [query(field)],
      lacks: [...fields.slice(0, n).map(query), ...apart],
      most: lift(1),
      least: lift(0),
    }
  })
}

/** Of rows that surely have some terms, and may have others; those that are not essential anyone may have. */
function boundsOf(
  plan: WordPlan,
  strength: number,
  held: readonly PlannedTerm[],
  possible: readonly PlannedTerm[],
): Pick<WordClass, 'most' | 'least'> {
  return {
    most: liftBy(plan, strength, (term) => (possible.includes(term) || !term.essential ? 1 : 0)),
    least: liftBy(plan, strength, (term) => (held.includes(term) ? leastValue(term) : 0)),
  }
}

const leastValue = ({ levels }: PlannedTerm) =>
  Math.min(...levels.map(({ value }) => value)) * Math.min(...Object.values(fieldValues))

const termQuery = ({ levels }: PlannedTerm): string => anyOf(levels.map(({ query }) => query('')))
