import type { AssetFilter, WordCondition } from '../../types.ts'
import { essentialQueries, type WordPlan } from '../query/plan.ts'
import { anyOf } from '../query/tsquery.ts'

/** A filter that also asks for conditions on the words. */
export function withWords(
  where: AssetFilter | null | undefined,
  { has = [], lacks = [], ...more }: WordCondition,
): AssetFilter | null {
  if (has.length === 0 && lacks.length === 0) return where ?? null
  const { words } = where ?? {}
  const joined = { has: [...(words?.has ?? []), ...has], lacks: [...(words?.lacks ?? []), ...lacks] }
  return { ...where, words: { ...words, ...more, ...joined } }
}

/** What a search can find at all: without what it excludes, and by words alone with one of its words. */
export function findable(
  plan: WordPlan,
  where: AssetFilter | null,
  { byWords }: { byWords: boolean },
): AssetFilter | null {
  const words = plan.prompts.flatMap(essentialQueries)
  // A plan without words finds nothing by words.
  const has = words.length > 0 ? [anyOf(words)] : [nothing]
  return withWords(where, { has: byWords ? has : [], lacks: plan.excluded })
}

/** No text has it. */
const nothing = "''''"
