import { createHash } from 'node:crypto'
import type { PageInfoShape } from '@pothos/plugin-relay'
import type { AssetFilter, AssetRow, SearchPosition } from '../prisma/types.ts'
import type { ServedModel } from '../workers/encode/catalogue.ts'
import { BadUserInput } from '../workers/errors.ts'
import { limits } from '../workers/limits.ts'
import { dot } from '../workers/similarity/vectors.ts'
import { totalWeight, weightedSum } from '../workers/similarity/weighted.ts'
import { Asset } from './assets/asset.ts'
import { AssetWhere, checkedWhere } from './assets/where.ts'
import { builder } from './core/builder.ts'
import type { Context } from './core/context.ts'
import { countedPage } from './core/cost.ts'
import { PromptInput } from './core/inputs.ts'
import { operation } from './core/operation.ts'
import {
  givenPrompts,
  type Prompt,
  promptCount,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from './core/prompts.ts'
import { Model } from './models.ts'
import { isAssetId } from './relay/ids.ts'
import { firstDescription } from './relay/options.ts'
import { decodeCursor, encodeCursor, pageInfo, pageSize } from './relay/page.ts'

interface EdgeObject {
  node: AssetRow
  cursor: string
  score: number
  /** Cosines with the prompts, read from the stored vectors of the whole page when the first edge asks. */
  similarities(): Promise<number[]>
}

interface ConnectionObject {
  edges: EdgeObject[]
  pageInfo: PageInfoShape
  model: ServedModel
  truncated: boolean
  count(): Promise<number>
}

const SearchConnection = builder.connectionObject<typeof Asset, ConnectionObject>(
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
      totalCount: t.int({
        nullable: true,
        description: 'How many images pass the filter, on all pages; those without a vector are among them.',
        resolve: (page) => page.count(),
      }),
    }),
  },
  {
    name: 'SearchEdge',
    description: 'A search result.',
    nodeField: { description: 'The image.' },
    fields: (t) => ({
      score: t.exposeFloat('score', {
        description: 'Sum over prompts of weight x cosine, divided by the sum of |weight|.',
      }),
      similarities: t.floatList({
        nullable: true,
        description: 'Cosine similarity to each prompt, in the order of the prompts.',
        resolve: (edge) => edge.similarities(),
      }),
    }),
  },
)

interface SearchOptions {
  prompts: readonly Prompt[]
  model: ServedModel
  where: AssetFilter | null
  first: number
  /** Cursor that the page begins after. */
  after?: string | null | undefined
  /** Id of an asset to leave out. */
  except?: string
}

/** The same prompts, weights, filter and model give the same fingerprint: a cursor of one search fits no other. */
function fingerprint({ prompts, model, where }: Pick<SearchOptions, 'prompts' | 'model' | 'where'>): string {
  const parts = [
    model.card.revision,
    prompts.map(({ weight }) => weight),
    prompts.map(({ contentHash }) => contentHash),
    where,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}

function placeOf([product, assetId, print]: unknown[]): (SearchPosition & { print: string }) | null {
  if (typeof product !== 'number' || !Number.isFinite(product)) return null
  if (typeof assetId !== 'string' || !isAssetId(assetId) || typeof print !== 'string') return null
  return { product, assetId, print }
}

/** @throws BadUserInput for a cursor of another search */
async function search(options: SearchOptions, context: Context): Promise<ConnectionObject> {
  const { prompts, model, where, except } = options
  const print = fingerprint(options)
  const after = options.after == null ? null : decodeCursor('search', options.after, 'after', placeOf)
  if (after && after.print !== print)
    throw new BadUserInput(
      'after is a cursor of another search: prompts, weights, where and model must be the same on every page.',
      { argument: 'after' },
    )
  const { revision, dimensions } = model.card
  const complete = model.isDefault || (await context.library.ensureIndexed(model.card.name))
  const found = await context.database.vectors.search({
    revision,
    dimensions,
    query: weightedSum(prompts),
    where,
    first: options.first + (except === undefined ? 0 : 1),
    after,
  })
  const hits = found.hits.filter(({ assetId }) => assetId !== except)
  const page = hits.slice(0, options.first)
  const rows = await context.loaders.asset.loadMany(page.map(({ assetId }) => assetId))
  const total = totalWeight(prompts)
  let vectors: Promise<Map<string, Float32Array>> | undefined
  const edges = page.flatMap(({ assetId, product }, n): EdgeObject[] => {
    const node = rows[n]
    if (node instanceof Error) throw node
    // Deleted between the two queries.
    if (!node) return []
    return [
      {
        node,
        cursor: encodeCursor('search', [product, assetId, print]),
        score: product / total,
        similarities: async () => {
          vectors ??= context.database.vectors.get(
            revision,
            page.map((hit) => hit.assetId),
          )
          const vector = (await vectors).get(assetId)
          return prompts.map((concept) => (vector ? dot(vector, concept.vector) : 0))
        },
      },
    ]
  })
  return {
    edges,
    model,
    truncated: found.truncated || !complete,
    count: async () => (await context.database.assets.count(where)) - (except === undefined ? 0 : 1),
    pageInfo: pageInfo(edges, {
      hasNextPage: found.hasNextPage || hits.length > page.length,
      hasPreviousPage: options.after != null,
    }),
  }
}

builder.queryFields((t) => ({
  search: t.field({
    type: SearchConnection,
    nullable: true,
    ...operation(
      'read',
      'Images of the library that match the prompts, best first.',
      '{ search(prompt: "birthday party", first: 3) { edges { score node { id name } } pageInfo { endCursor } } }',
    ),
    args: {
      prompt: t.arg.string({ description: promptDescription }),
      prompts: t.arg({ type: [PromptInput], description: promptsDescription }),
      where: t.arg({
        type: AssetWhere,
        description: 'Only images that match; the filter is applied inside the search.',
      }),
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: 'Cursor of the same search; the page begins after it.' }),
      model: t.arg.id({ description: 'The default model when absent.' }),
    },
    complexity: ({ first, ...given }) => ({
      field: 10 + 5 * promptCount(given),
      multiplier: countedPage(first),
    }),
    resolve: async (_root, args, context) => {
      if (args.prompt == null && args.prompts == null)
        throw new BadUserInput(
          args.where == null
            ? 'Give a prompt, or prompts. To list the library without one, use assets.'
            : 'search needs a prompt or prompts. To filter alone, use assets(where: ...).',
        )
      const given = givenPrompts(args)
      const first = pageSize(args.first ?? limits.defaultPageSize, 'first')
      const where = checkedWhere(args.where)
      const model = await context.catalogue.get(args.model)
      const prompts = await resolvePrompts(given, model, context)
      return search({ prompts, model, where, first, after: args.after }, context)
    },
  }),
}))

builder.objectField(Asset, 'similar', (t) =>
  t.field({
    type: SearchConnection,
    nullable: true,
    ...operation('read', 'Similar images, best first, without this one. Empty until this one is READY.'),
    args: {
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: 'Cursor of the same list; the page begins after it.' }),
    },
    complexity: ({ first }) => ({ field: 20, multiplier: countedPage(first) }),
    resolve: async (asset, { first, after }, context) => {
      const size = pageSize(first ?? limits.defaultPageSize, 'first')
      const model = await context.catalogue.get()
      const vector = await context.loaders.storedVector(model).load(asset)
      if (!vector) return noImages(model)
      const prompts = [
        { vector, weight: 1, modality: 'IMAGE' as const, contentHash: asset.contentHash, asset },
      ]
      return search({ prompts, model, where: null, first: size, after, except: asset.id }, context)
    },
  }),
)

const noImages = (model: ServedModel): ConnectionObject => ({
  edges: [],
  model,
  truncated: false,
  count: async () => 0,
  pageInfo: pageInfo([], { hasNextPage: false, hasPreviousPage: false }),
})
