import type { EncoderModel } from '../workers/encode/encoder.ts'
import { ItemError } from '../workers/errors.ts'
import { probabilities } from '../workers/similarity/probability.ts'
import { Asset } from './assets/asset.ts'
import { builder } from './core/builder.ts'
import { type Concept, ConceptInput } from './core/concepts.ts'
import { atMost, InputError, ItemFailure } from './core/errors.ts'
import { counted, limits } from './core/limits.ts'
import {
  givenPrompts,
  PromptInput,
  type Prompts,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from './core/prompts.ts'
import { dot } from './core/vector.ts'
import { Model } from './models.ts'

interface RankedObject {
  index: number
  concept: Concept
  score: number
  similarities: Float64Array
  probability: number
}

/** Scores the candidates and sorts them, best first; equal scores stay in the order of the request. */
export function rankConcepts(
  candidates: readonly { index: number; concept: Concept }[],
  prompts: Pick<Prompts, 'concepts' | 'weights' | 'totalWeight'>,
  head: EncoderModel['spec']['head'],
): RankedObject[] {
  const scores = new Float64Array(candidates.length)
  const similarities = candidates.map(({ concept }, n) => {
    const cosines = new Float64Array(prompts.concepts.length)
    let sum = 0
    prompts.concepts.forEach(({ vector }, p) => {
      cosines[p] = dot(concept.vector, vector)
      sum += prompts.weights[p]! * cosines[p]
    })
    scores[n] = sum / prompts.totalWeight
    return cosines
  })
  const probability = probabilities(scores, head)
  return candidates
    .map((candidate, n) => ({
      ...candidate,
      score: scores[n]!,
      similarities: similarities[n]!,
      probability: probability[n]!,
    }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
}

const RankedItem = builder.objectRef<RankedObject>('RankedItem').implement({
  description: 'A candidate in its place of the order.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Place of the candidate in the request.' }),
    asset: t.field({
      type: Asset,
      nullable: true,
      description: 'The candidate, where it was given by assetId.',
      resolve: ({ concept }) => concept.asset,
    }),
    text: t.string({
      nullable: true,
      description: 'The candidate, where it was given as text.',
      resolve: ({ concept }) => concept.text,
    }),
    score: t.exposeFloat('score', {
      description: 'Sum over prompts of weight x cosine, divided by the sum of |weight|.',
    }),
    similarities: t.floatList({
      description: 'Cosine with each prompt, in the order of the prompts.',
      resolve: ({ similarities }) => Array.from(similarities),
    }),
    probability: t.exposeFloat('probability', {
      description:
        "The model's own reading of the scores over the candidates: softmax with its logit scale (CLIP: softmax(scale x score)) or sigmoid with its scale and bias (SigLIP: sigmoid(scale x score + bias)).",
    }),
  }),
})

interface RankingObject {
  model: EncoderModel
  items: RankedObject[]
  errors: ItemFailure[]
}

const Ranking = builder.objectRef<RankingObject>('Ranking').implement({
  description: 'Candidates in order.',
  fields: (t) => ({
    model: t.field({ type: Model, description: 'The model that was asked.', resolve: ({ model }) => model }),
    items: t.field({
      type: [RankedItem],
      description: 'Best first.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ items }) => items,
    }),
    errors: t.field({
      type: [InputError],
      description: 'Candidates that could not be read, by their index.',
      complexity: { field: 0, multiplier: 0 },
      resolve: ({ errors }) => errors,
    }),
  }),
})

builder.queryFields((t) => ({
  rank: t.field({
    type: Ranking,
    description:
      'Orders candidates by how well they fit the prompts. Texts and images may stand on either side.',
    args: {
      prompt: t.arg.string({ description: promptDescription }),
      prompts: t.arg({ type: [PromptInput], description: promptsDescription }),
      candidates: t.arg({
        type: [ConceptInput],
        required: true,
        description: `What is to be ordered, at most ${limits.rankCandidates}.`,
      }),
      model: t.arg.id({ description: 'The default model when absent.' }),
    },
    complexity: ({ candidates, prompts }) => {
      const count = counted(candidates.length, limits.rankCandidates)
      return { field: 5 * (count + counted(prompts?.length ?? 1, limits.prompts)), multiplier: count }
    },
    resolve: async (_root, { prompt, prompts: weighted, candidates, model: name }, context) => {
      const asked = givenPrompts(prompt, weighted)
      atMost(candidates, limits.rankCandidates, 'candidates')
      const model = await context.encoder.model(name)
      const load = context.loaders.concept(model)
      const [prompts, concepts] = await Promise.all([
        resolvePrompts(asked, model, context),
        Promise.all(candidates.map(load)),
      ])
      const errors: ItemFailure[] = []
      const readable: { index: number; concept: Concept }[] = []
      concepts.forEach((concept, index) => {
        if (concept instanceof ItemError) errors.push(new ItemFailure(index, concept))
        else readable.push({ index, concept })
      })
      return { model, errors, items: rankConcepts(readable, prompts, model.spec.head) }
    },
  }),
}))
