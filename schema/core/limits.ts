import { longestAspect } from '../../workers/drawing/painter.ts'
import { guidePixels } from '../../workers/guidance/guide.ts'
import { labelLimits } from '../../workers/ingest/labels/texts.ts'

/** How much one request may ask for. Over a limit the answer is BAD_USER_INPUT or TOO_COMPLEX naming it. */
export const limits = {
  /** Inputs of one embed. */
  embedInputs: 256,
  rankCandidates: 1024,
  /** Prompts of one rank or search. */
  prompts: 64,
  /** Views of one guide. */
  cutouts: 128,
  /** Of a heatmap, across or down. */
  heatmapCells: 256,
  guidePixels,
  /** Of one direction. */
  templates: 32,
  /** Of a guidance run. */
  runSteps: 2000,
  runEdge: [16, 2048] as [number, number],
  runAspect: longestAspect,
  runElements: 256,
  addAssets: 64,
  /** Ids of one nodes, deleteAssets or where.ids, and entries of any other list of a filter. */
  ids: 1000,
  pageSize: 100,
  defaultPageSize: 20,
  textLength: 10_000,
  nameLength: labelLimits.name,
  titleLength: labelLimits.title,
  descriptionLength: labelLimits.description,
  collectionLength: labelLimits.collection,
  tags: labelLimits.tags,
  tagLength: labelLimits.tag,
  /** Of a document: see cost.ts for what a field costs. */
  complexity: 20_000,
  depth: 14,
  aliases: 64,
  tokens: 10_000,
  /** Brackets of any kind inside one another: parsing recurses. Introspection has some 14. */
  nesting: 64,
} as const

/**
 * How many of something a field's cost counts. What is over its limit is refused by the field itself, which names the
 * limit; what is below 0 would pay for other fields.
 */
export const counted = (given: number, limit: number): number => Math.min(Math.max(given, 0), limit)
