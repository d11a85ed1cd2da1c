/** What the results of a search are worth: the probability that each fits, and whether anything does. */
import { coverageOf } from '../../prisma/words/query/plan.ts'
import { BadUserInput } from '../../workers/errors.ts'
import type { Band } from '../../workers/relevance/judge.ts'
import type { Context } from '../core/context.ts'
import type { Found, SearchOptions } from './find.ts'

/** Of one page. Null where nothing can be said: the model has no fit, or the prompts are not one text. */
export interface PageRelevance {
  /** By id; an image that has no vector yet is absent. */
  of: Map<string, { relevance: number; band: Band }>
  /** Null on later pages: the best hits are on the first. */
  noMatch: boolean | null
}

export async function judgePage(
  { mode, prompts, texts, model, after }: SearchOptions,
  hits: Found['hits'],
  { relevance }: Pick<Context, 'relevance'>,
): Promise<PageRelevance | null> {
  if (mode === 'WORDS') return null
  const judge = await relevance.of(model.card)
  const looked = mode === 'HYBRID' && texts.length > 0
  const seen = hits.filter(({ why }) => why.cosine !== null)
  const judged = judge?.judge(
    prompts,
    seen.map(({ why: { cosine, words } }) => ({
      cosine: cosine!,
      words: looked ? coverageOf(words) : null,
      exactName: looked && words >= 1,
    })),
  )
  if (!judged) return null
  return {
    of: new Map(seen.map(({ assetId }, n) => [assetId, judged.edges[n]!])),
    noMatch: after == null ? judged.noMatch : null,
  }
}

/**
 * The hits of at least this relevance. An image without a vector is left out: nothing is known of it.
 * @throws BadUserInput where nothing can be said of relevance
 */
export function cutAt(minRelevance: number, hits: Found['hits'], page: PageRelevance | null): Found['hits'] {
  if (!page)
    throw new BadUserInput(
      'minRelevance needs one prompt that is a text with a weight above 0, mode HYBRID or MEANING, and a model whose relevance is fitted (`limn models verify` fits it). Leave it out, or change those.',
      { argument: 'minRelevance' },
    )
  return hits.filter(({ assetId }) => (page.of.get(assetId)?.relevance ?? -1) >= minRelevance)
}

/** @throws BadUserInput */
export function checkedMinRelevance(given: number | null | undefined): number | null {
  if (given == null) return null
  if (!(given >= 0 && given <= 1))
    throw new BadUserInput(`minRelevance is ${given}; it goes from 0 to 1.`, { argument: 'minRelevance' })
  return given
}
