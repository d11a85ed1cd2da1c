import type { ServedModel } from '../workers/encode/catalogue.ts'
import { ItemError } from '../workers/errors.ts'
import { limits } from '../workers/limits.ts'
import { type Ranked, rank } from '../workers/similarity/rank.ts'
import { Asset } from './assets/asset.ts'
import { builder } from './core/builder.ts'
import type { Concept } from './core/context.ts'
import { counted } from './core/cost.ts'
import { atMost, InputError, ItemFailure } from './core/errors.ts'
import { ConceptInput, PromptInput } from './core/inputs.ts'
import { operation } from './core/operation.ts'
import {
  givenPrompts,
  promptCount,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from './core/prompts.ts'
import { Model } from './models.ts'

interface RankedObject extends Ranked {
  concept: Concept
}

const RankedItem = builder.objectRef<RankedObject>('RankedItem').implement({
  description: 'A candidate with its scores.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Index of the candidate in the request.' }),
    asset: t.field({
      type: Asset,
      nullable: true,
      description: 'The candidate, if it was given by assetId.',
      resolve: ({ concept }) => concept.asset,
    }),
    text: t.string({
      nullable: true,
      description: 'The candidate, if it was given as text.',
      resolve: ({ concept }) => concept.text,
    }),
    score: t.exposeFloat('score', {
      description: 'Sum over prompts of weight x cosine, divided by the sum of |weight|.',
    }),
    similarities: t.floatList({
      description: 'Cosine similarity to each prompt, in the order of the prompts.',
      resolve: ({ similarities }) => Array.from(similarities),
    }),
    probability: t.exposeFloat('probability', {
      description:
        'The score as a probability, the way the model was trained: softmax over the candidates with its logit scale (CLIP: softmax(scale x score)), or sigmoid with its scale and bias (SigLIP: sigmoid(scale x score + bias)).',
    }),
  }),
})

interface RankingObject {
  model: ServedModel
  items: RankedObject[]
  errors: ItemFailure[]
}

const Ranking = builder.objectRef<RankingObject>('Ranking').implement({
  description: 'Ranked candidates.',
  fields: (t) => ({
    model: t.field({ type: Model, description: 'The model used.', resolve: ({ model }) => model }),
    items: t.field({
      type: [RankedItem],
      description: 'Best first.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ items }) => items,
    }),
    errors: t.field({
      type: [InputError],
      description: 'Candidates that could not be used, with their indexes.',
      complexity: { field: 0, multiplier: 0 },
      resolve: ({ errors }) => errors,
    }),
  }),
})

builder.queryFields((t) => ({
  rank: t.field({
    type: Ranking,
    nullable: true,
    ...operation(
      'read',
      'Ranks candidates by how well they match the prompts. Prompts and candidates may be texts or images.',
      `{
        rank(prompt: "music", candidates: [{ text: "a guitar" }, { text: "a hammer" }]) {
          items { index text score probability }
          errors { index code message }
        }
      }`,
    ),
    args: {
      prompt: t.arg.string({ description: promptDescription }),
      prompts: t.arg({ type: [PromptInput], description: promptsDescription }),
      candidates: t.arg({
        type: [ConceptInput],
        required: true,
        description: `Candidates to rank, at most ${limits.rankCandidates}.`,
      }),
      model: t.arg.id({ description: 'The default model when absent.' }),
    },
    complexity: ({ candidates, ...given }) => {
      const count = counted(candidates.length, limits.rankCandidates)
      return { field: 5 * (count + promptCount(given)), multiplier: count }
    },
    resolve: async (_root, { candidates, model: name, ...given }, context) => {
      const placed = givenPrompts(given)
      atMost(candidates, limits.rankCandidates, 'candidates')
      const model = await context.catalogue.get(name)
      const load = context.loaders.concept(model)
      const [prompts, concepts] = await Promise.all([
        resolvePrompts(placed, model, context),
        Promise.all(candidates.map(load)),
      ])
      const errors: ItemFailure[] = []
      const readable: { index: number; concept: Concept }[] = []
      concepts.forEach((concept, index) => {
        if (concept instanceof ItemError) errors.push(new ItemFailure(index, concept))
        else readable.push({ index, concept })
      })
      const vectors = readable.map(({ concept }) => concept.vector)
      const items = rank(vectors, prompts, model.card.head).map((ranked) => ({
        ...ranked,
        ...readable[ranked.index]!,
      }))
      return { model, errors, items }
    },
  }),
}))
