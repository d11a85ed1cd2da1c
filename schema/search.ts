import type { ServedModel } from '../workers/encode/catalogue.ts'
import { BadUserInput } from '../workers/errors.ts'
import { limits } from '../workers/limits.ts'
import { dot } from '../workers/similarity/vectors.ts'
import { Asset } from './assets/asset.ts'
import { AssetCounts, noCounts } from './assets/facets.ts'
import { AssetWhere, checkedWhere } from './assets/where.ts'
import { builder } from './core/builder.ts'
import type { Context } from './core/context.ts'
import { countedPage } from './core/cost.ts'
import { PromptInput } from './core/inputs.ts'
import { operation } from './core/operation.ts'
import {
  givenPrompts,
  promptCount,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from './core/prompts.ts'
import { firstDescription } from './relay/options.ts'
import { encodeCursor, pageInfo, pageSize } from './relay/page.ts'
import { askedBy, SearchMode } from './search/by-words.ts'
import { type ConnectionObject, type EdgeObject, SearchConnection } from './search/connection.ts'
import { type Found, find, type SearchOptions } from './search/find.ts'
import { checkedMinRelevance, cutAt, judgePage } from './search/relevance.ts'
import { suggest } from './search/suggest.ts'

/** @throws BadUserInput for a cursor of another search */
async function search(options: SearchOptions, context: Context): Promise<ConnectionObject> {
  const { model, except, minRelevance } = options
  const found = await find(options, context)
  const page = found.hits.filter(({ assetId }) => assetId !== except).slice(0, options.first)
  const judged = await judgePage(options, page, context)
  const kept = minRelevance == null ? page : cutAt(minRelevance, page, judged)
  const rows = await context.loaders.asset.loadMany(kept.map(({ assetId }) => assetId))
  const similarities = similaritiesOf(options, kept, context)
  const cursorOf = ({ place, assetId }: Found['hits'][number]) =>
    encodeCursor('search', [place, assetId, ...found.cursor])
  const edges = kept.flatMap((hit, n): EdgeObject[] => {
    const node = rows[n]
    if (node instanceof Error) throw node
    // Deleted between the two queries.
    if (!node) return []
    const { assetId, score, why } = hit
    const { relevance = null, band = null } = judged?.of.get(assetId) ?? {}
    return [
      {
        ...{ node, score, why, relevance, band },
        cursor: cursorOf(hit),
        similarities: () => similarities(assetId),
      },
    ]
  })
  const info = pageInfo(edges, {
    hasNextPage: (found.hasNextPage || found.hits.length > options.first) && kept.length > 0,
    hasPreviousPage: options.after != null,
  })
  // The next page goes on behind what was looked at, not behind what is shown.
  if (minRelevance != null && kept.length > 0) info.endCursor = cursorOf(page.at(-1)!)
  return {
    edges,
    model,
    truncated: found.truncated,
    noMatch: judged?.noMatch ?? null,
    counts: new AssetCounts(context.database.counts, found.where, except),
    suggest: () => suggest(options, context),
    pageInfo: info,
  }
}

/** Cosines with the prompts, read from the stored vectors of the whole page when the first edge asks. */
function similaritiesOf(
  { prompts, model, mode }: SearchOptions,
  page: Found['hits'],
  { database }: Context,
): (assetId: string) => Promise<number[]> | null {
  let vectors: Promise<Map<string, Float32Array>> | undefined
  if (mode === 'WORDS') return () => null
  return async (assetId) => {
    vectors ??= database.vectors.get(
      model.card.revision,
      page.map((hit) => hit.assetId),
    )
    const vector = (await vectors).get(assetId)
    return prompts.map((concept) => (vector ? dot(vector, concept.vector) : 0))
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
      minRelevance: t.arg.float({
        description:
          'Leaves out results of a lower relevance, 0 to 1. A page may then hold fewer; the list ends with the first page that holds none.',
      }),
      mode: t.arg({
        type: SearchMode,
        required: true,
        defaultValue: 'HYBRID',
        description: 'By words and meaning, or by one of them.',
      }),
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
      const minRelevance = checkedMinRelevance(args.minRelevance)
      const asked = askedBy(given, args.mode)
      const model = await context.catalogue.get(args.model)
      const prompts = args.mode === 'WORDS' ? [] : await resolvePrompts(asked.prompts, model, context)
      return search({ ...args, ...asked, prompts, model, where, first, minRelevance }, context)
    },
  }),
}))

builder.objectField(Asset, 'similar', (t) =>
  t.field({
    type: SearchConnection,
    nullable: true,
    ...operation('read', 'Similar images, best first, without this one. Empty until this one is READY.'),
    args: {
      where: t.arg({ type: AssetWhere, description: 'Only images that match.' }),
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: 'Cursor of the same list; the page begins after it.' }),
    },
    complexity: ({ first }) => ({ field: 20, multiplier: countedPage(first) }),
    resolve: async (asset, { where: given, first, after }, context) => {
      const where = checkedWhere(given)
      const size = pageSize(first ?? limits.defaultPageSize, 'first')
      const model = await context.catalogue.get()
      const vector = await context.loaders.storedVector(model).load(asset)
      if (!vector) return noImages(model)
      const prompts = [
        { vector, weight: 1, modality: 'IMAGE' as const, contentHash: asset.contentHash, asset },
      ]
      return search(
        {
          mode: 'MEANING',
          prompts,
          words: [],
          texts: [],
          model,
          where,
          first: size,
          after,
          except: asset.id,
        },
        context,
      )
    },
  }),
)

const noImages = (model: ServedModel): ConnectionObject => ({
  edges: [],
  model,
  truncated: false,
  noMatch: null,
  counts: noCounts,
  suggest: async () => [],
  pageInfo: pageInfo([], { hasNextPage: false, hasPreviousPage: false }),
})
