/** The score of a row by words, in SQL: of `a."words"`, by nothing but the plan. */
import { Prisma } from '../../generated/client.ts'
import {
  coverageSql,
  fieldValues,
  type Level,
  type PlannedAlternative,
  type PlannedPrompt,
  type PlannedTerm,
  type WordPlan,
  wordsOfCoverage,
} from '../query/plan.ts'
import { anyOf } from '../query/tsquery.ts'
import { type Field, fields } from '../text/document.ts'
import { quoted } from '../text/lexemes.ts'

/** Added for a whole name or title that is the prompt: no two cosines differ by more. */
const whole = 2

const has = (query: string) => Prisma.sql`w."words" @@ ${query}::tsquery`

/** The words of each prompt in 0..1, as an array of float8; the words are the column "words" of `w`. */
export function partsSql({ prompts }: WordPlan): Prisma.Sql {
  return Prisma.sql`ARRAY[${Prisma.join(prompts.map(promptSql), ', ')}]::float8[]`
}

function promptSql({ alternatives, wholes }: PlannedPrompt): Prisma.Sql {
  if (alternatives.length === 0) return Prisma.sql`0`
  const best = alternatives.map(alternativeSql)
  const covered = best.length === 1 ? best[0]! : Prisma.sql`greatest(${Prisma.join(best, ', ')})`
  if (wholes.length === 0) return covered
  return Prisma.sql`CASE WHEN ${has(anyOf(wholes.map(quoted)))} THEN 1 ELSE ${covered} END`
}

function alternativeSql({ terms, confidence }: PlannedAlternative): Prisma.Sql {
  const sum = terms.reduce((total, { weight }) => total + weight, 0)
  const covered = Prisma.join(
    terms.map((term) => Prisma.sql`${term.weight}::float8 * ${termSql(term)}`),
    ' + ',
  )
  const { floor, ceiling } = coverageSql
  return Prisma.sql`(SELECT CASE WHEN g.value < ${floor}::float8 THEN 0 ELSE ${ceiling}::float8 * g.value END FROM (
    SELECT (${covered}) / ${sum}::float8 * ${confidence}::float8 AS value OFFSET 0) g)`
}

/** The best of a term's ways and of the fields that have it so. */
function termSql({ levels }: PlannedTerm): Prisma.Sql {
  const cases = casesOf(levels)
  const any = has(anyOf(levels.map(({ query }) => query(''))))
  const tests = cases.map(({ value, query }) => Prisma.sql`WHEN ${has(query)} THEN ${value}::float8`)
  return Prisma.sql`CASE WHEN NOT ${any} THEN 0 ${Prisma.join(tests, ' ')} ELSE 0 END`
}

function casesOf(levels: readonly Level[]): { value: number; query: string }[] {
  const cases = levels.flatMap(({ value, query }) =>
    fields.map((field: Field) => ({ value: value * fieldValues[field], query: query(field) })),
  )
  return cases.sort((a, b) => b.value - a.value)
}

/** What the prompts' words add to the sum of weight x cosine; `strength` for full coverage. The words are `p.parts`. */
export function liftSql({ prompts }: WordPlan, strength: number): Prisma.Sql {
  const terms = prompts.map(({ weight }, n) => {
    const part = Prisma.sql`p.parts[${n + 1}::int]`
    return Prisma.sql`${weight}::float8 * (${strength}::float8 * ${part} + CASE WHEN ${part} = 1 THEN ${whole}::float8 ELSE 0 END)`
  })
  return Prisma.sql`(${Prisma.join(terms, ' + ')})`
}

const weightOf = ({ prompts }: WordPlan) => prompts.reduce((sum, { weight }) => sum + weight, 0)

/** The words of all prompts as one number: their mean by weight. */
export function meanWords(plan: WordPlan, parts: readonly number[]): number {
  return plan.prompts.reduce((sum, { weight }, n) => sum + weight * parts[n]!, 0) / weightOf(plan)
}

/** The same in SQL. */
export function meanSql(plan: WordPlan): Prisma.Sql {
  const terms = plan.prompts.map(({ weight }, n) => Prisma.sql`${weight}::float8 * p.parts[${n + 1}::int]`)
  return Prisma.sql`((${Prisma.join(terms, ' + ')}) / ${weightOf(plan)}::float8)`
}

/** What the words add to a row that has each term at this value, 0 where it lacks it. */
export function liftBy(
  { prompts }: WordPlan,
  strength: number,
  value: (term: PlannedTerm) => number,
): number {
  return prompts.reduce((sum, { alternatives, weight }) => {
    const words = alternatives.map((alternative) => wordsBy(alternative, value))
    return sum + weight * strength * Math.max(0, ...words)
  }, 0)
}

function wordsBy(alternative: PlannedAlternative, value: (term: PlannedTerm) => number): number {
  const { terms } = alternative
  const all = terms.reduce((sum, { weight }) => sum + weight, 0)
  return wordsOfCoverage(terms.reduce((sum, term) => sum + term.weight * value(term), 0) / all, alternative)
}
