/** One page of a search, in each mode: what is found, and where the next page goes on. */
import { createHash } from 'node:crypto'
import type { AssetFilter } from '../../prisma/types.ts'
import type { GivenPrompt } from '../../prisma/words/query/plan.ts'
import { findable } from '../../prisma/words/search/filter.ts'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { totalWeight, weightedSum } from '../../workers/similarity/weighted.ts'
import type { Context } from '../core/context.ts'
import type { Prompt } from '../core/prompts.ts'
import { isAssetId } from '../relay/ids.ts'
import { decodeCursor } from '../relay/page.ts'
import { type Mode, wordStrength } from './by-words.ts'
import type { Why } from './connection.ts'

export interface SearchOptions {
  mode: Mode
  /** None by words alone. */
  prompts: readonly Prompt[]
  /** Texts that are looked for by words, and as they were given. */
  words: readonly GivenPrompt[]
  texts: readonly string[]
  model: ServedModel
  where: AssetFilter | null
  first: number
  /** 0..1 */
  minRelevance?: number | null
  /** Cursor that the page begins after. */
  after?: string | null | undefined
  /** Id of an asset to leave out. */
  except?: string
}

export interface Found {
  hits: {
    assetId: string
    /** What the order is by. */
    place: number
    score: number
    why: Why
  }[]
  hasNextPage: boolean
  truncated: boolean
  /** What a cursor holds behind its place. */
  cursor: unknown[]
  /** What could be found at all. */
  where: AssetFilter | null
}

interface Place {
  score: number
  assetId: string
  print: string
  /** Of a search by words: what its terms count. */
  fixed: string | null
}

/** @throws BadUserInput for a cursor of another search */
export async function find(options: SearchOptions, context: Context): Promise<Found> {
  const print = fingerprint(options)
  const after = options.after == null ? null : decodeCursor('search', options.after, 'after', placeOf)
  if (after && after.print !== print) throw otherSearch()
  return options.words.length > 0
    ? findByWords(options, print, after, context)
    : findByMeaning(options, print, after, context)
}

async function findByMeaning(
  { prompts, model, where, first, except }: SearchOptions,
  print: string,
  after: Place | null,
  context: Context,
): Promise<Found> {
  const { revision, dimensions } = model.card
  const complete = await isIndexed(model, context)
  const { hits, hasNextPage, truncated } = await context.database.vectors.search({
    revision,
    dimensions,
    query: weightedSum(prompts),
    where,
    first: first + (except === undefined ? 0 : 1),
    after: after && { product: after.score, assetId: after.assetId },
  })
  const total = totalWeight(prompts)
  return {
    hits: hits.map(({ assetId, product }) => {
      const score = product / total
      return { assetId, place: product, score, why: { cosine: score, words: 0 } }
    }),
    hasNextPage,
    truncated: truncated || !complete,
    cursor: [print],
    where,
  }
}

async function findByWords(
  { mode, prompts, words, model, where, first }: SearchOptions,
  print: string,
  after: Place | null,
  context: Context,
): Promise<Found> {
  const plan = await context.database.words.plan(words, after && (after.fixed ?? ''))
  if (!plan) throw otherSearch()
  const { revision, dimensions, head } = model.card
  const byWords = mode === 'WORDS'
  const complete = byWords || (await isIndexed(model, context))
  const { hits, hasNextPage, truncated } = await context.database.words.search({
    ...{ plan, where, first, after },
    meaning: byWords
      ? null
      : { revision, dimensions, query: weightedSum(prompts), strength: wordStrength(head) },
  })
  const total = byWords ? 1 : totalWeight(prompts)
  return {
    hits: hits.map(({ assetId, score, product, words }) => ({
      ...{ assetId, place: score, score: score / total },
      why: { cosine: product === null ? null : product / total, words },
    })),
    hasNextPage,
    truncated: truncated || !complete,
    cursor: [print, plan.fixed],
    where: findable(plan, where, { byWords }),
  }
}

const isIndexed = async ({ isDefault, card }: ServedModel, { library }: Context): Promise<boolean> =>
  isDefault || (await library.ensureIndexed(card.name))

/** The same prompts, weights, filter, mode and model give the same fingerprint: a cursor of one search fits no other. */
function fingerprint({ mode, prompts, words, texts, model, where }: SearchOptions): string {
  const parts = [
    mode,
    model.card.revision,
    prompts.map(({ weight }) => weight),
    prompts.map(({ contentHash }) => contentHash),
    words.map(({ weight }) => weight),
    texts,
    where,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}

function placeOf([score, assetId, print, fixed = null]: unknown[]): Place | null {
  if (typeof score !== 'number' || !Number.isFinite(score)) return null
  if (typeof assetId !== 'string' || !isAssetId(assetId) || typeof print !== 'string') return null
  return fixed === null || typeof fixed === 'string' ? { score, assetId, print, fixed } : null
}

const otherSearch = () =>
  new BadUserInput(
    'after is a cursor of another search: prompts, weights, where, mode and model must be the same on every page.',
    { argument: 'after' },
  )
