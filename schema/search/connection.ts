import type { PageInfoShape } from '@pothos/plugin-relay'
import type { AssetRow } from '../../prisma/types.ts'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import type { Band } from '../../workers/relevance/judge.ts'
import { Asset } from '../assets/asset.ts'
import { type AssetCounts, addCounts } from '../assets/facets.ts'
import { builder } from '../core/builder.ts'
import { Model } from '../models.ts'
import { Notice } from '../notices.ts'
import { RelevanceBand } from './band.ts'

export interface EdgeObject {
  node: AssetRow
  cursor: string
  score: number
  why: Why
  relevance: number | null
  band: Band | null
  /** Cosines with the prompts, read from the stored vectors of the whole page when the first edge asks. */
  similarities(): Promise<number[]> | null
}

export interface Why {
  cosine: number | null
  words: number
}

const SearchWhy = builder.objectRef<Why>('SearchWhy').implement({
  description: 'What made the score of a search result.',
  fields: (t) => ({
    cosine: t.exposeFloat('cosine', {
      nullable: true,
      description:
        'Sum over prompts of weight x cosine, divided by the sum of |weight|; null by words alone, and for an image that has no vector yet.',
    }),
    words: t.exposeFloat('words', {
      description:
        'How much of what the texts ask for is in its words, 0 to 1: terms count by how rare they are, names and tags before descriptions. 1 is a name or title that is the text.',
    }),
  }),
})

export interface ConnectionObject {
  edges: EdgeObject[]
  pageInfo: PageInfoShape
  model: ServedModel
  truncated: boolean
  noMatch: boolean | null
  counts: AssetCounts
  suggest(): Promise<string[]>
}

export const SearchConnection = builder.connectionObject<typeof Asset, ConnectionObject>(
  {
    name: 'SearchConnection',
    type: Asset,
    description: 'A page of search results.',
    edgesField: { description: 'Best first.' },
    fields: (t) => ({
      model: t.field({
        type: Model,
        description: 'The model used.',
        resolve: ({ model }) => model,
      }),
      truncated: t.exposeBoolean('truncated', {
        description:
          'True when the index stopped before it had examined enough rows for this filter: more images may match.',
      }),
      noMatch: t.exposeBoolean('noMatch', {
        nullable: true,
        description:
          'True where probably nothing in the library fits: the best results are below what 95 % of the searches reach that have a match. Null where relevance is, and on later pages.',
      }),
      suggestions: t.stringList({
        nullable: true,
        description:
          'Texts to look for instead, which do have matches: where no image has a word of the first text, that text spelled as the library has it, and words that mean something near. Empty in mode MEANING.',
        complexity: 10,
        resolve: (page) => page.suggest(),
      }),
      notices: t.field({
        type: [Notice],
        nullable: true,
        description:
          'What could be better about the library and the model, e.g. that it knows no photographs; some minutes old at the most.',
        complexity: { field: 1, multiplier: 1 },
        resolve: ({ model }, _args, { notices }) => notices.of(model.card),
      }),
    }),
  },
  {
    name: 'SearchEdge',
    description: 'A search result.',
    nodeField: { description: 'The image.' },
    fields: (t) => ({
      score: t.exposeFloat('score', {
        description:
          'What the results are sorted by: why.cosine, and in mode HYBRID what why.words adds to it; in mode WORDS why.words alone. Comparable within a search only.',
      }),
      why: t.field({
        type: SearchWhy,
        description: 'What made the score.',
        complexity: { field: 0, multiplier: 1 },
        resolve: ({ why }) => why,
      }),
      relevance: t.exposeFloat('relevance', {
        nullable: true,
        description:
          'The probability that the result fits, 0 to 1. Null where nothing can be said: the model has no fit, the prompts are not one text with a weight above 0, the mode is WORDS, or the image has no vector yet.',
      }),
      band: t.expose('band', {
        type: RelevanceBand,
        nullable: true,
        description: 'The same in a word.',
      }),
      similarities: t.floatList({
        nullable: true,
        description: 'Cosine similarity to each prompt, in the order of the prompts; null in mode WORDS.',
        resolve: (edge) => edge.similarities(),
      }),
    }),
  },
)
addCounts(SearchConnection, 'pass the filter (those without a vector are among them)')
