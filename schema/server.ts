/** What the server is: its version, limits and operations. */
import type { GraphQLObjectType, GraphQLSchema } from 'graphql'
import type { EnricherProgress } from '../workers/ingest/library.ts'
import { limits } from '../workers/limits.ts'
import { builder } from './core/builder.ts'
import type { Scope } from './core/caller.ts'
import type { ServerLimits } from './core/context.ts'
import { operation } from './core/operation.ts'
import { scopeOf } from './enforce-scopes.ts'
import { Notice } from './notices.ts'

interface LimitObject {
  name: string
  value: number
  unit: string
  description: string
}

type LimitRow = [name: string, value: number, unit: string, description: string]

const fixedLimits: LimitRow[] = [
  ['textLength', limits.textLength, 'characters', 'A text that is encoded.'],
  ['embedInputs', limits.embedInputs, 'inputs', 'Inputs of one embed.'],
  ['rankCandidates', limits.rankCandidates, 'candidates', 'Candidates of one rank.'],
  ['prompts', limits.prompts, 'prompts', 'Prompts of one rank, search, guide or drawing.'],
  ['templates', limits.templates, 'templates', 'Templates of one direction.'],
  ['pageSize', limits.pageSize, 'items', 'A page of a connection.'],
  [
    'ids',
    limits.ids,
    'ids',
    'Ids of one nodes, deleteAssets or deleteDrawings, and entries of a list of a filter.',
  ],
  ['whereDepth', limits.whereDepth, 'filters', 'Filters inside one another by and, or, not.'],
  [
    'whereConditions',
    limits.whereConditions,
    'conditions',
    'Conditions of a filter, those of filters inside it among them.',
  ],
  ['facetValues', limits.facetValues, 'values', 'Values of one facet.'],
  ['updateAssets', limits.updateAssets, 'images', 'Images of one updateAssets.'],
  ['addAssets', limits.addAssets, 'images', 'Images of one addAssets.'],
  ['nameLength', limits.nameLength, 'characters', 'The name of an asset.'],
  ['titleLength', limits.titleLength, 'characters', 'The title of an asset.'],
  ['descriptionLength', limits.descriptionLength, 'characters', 'The description of an asset.'],
  ['collectionLength', limits.collectionLength, 'characters', 'The path of a collection.'],
  ['collections', limits.collections, 'collections', 'Collections of one asset.'],
  ['collectionDepth', limits.collectionDepth, 'levels', 'Levels of the path of a collection.'],
  ['tags', limits.tags, 'tags', 'Tags of one asset.'],
  ['tagLength', limits.tagLength, 'characters', 'A tag.'],
  ['guidePixels', limits.guidePixels, 'pixels', 'An image of guide.'],
  ['cutouts', limits.cutouts, 'views', 'Random views of one guide.'],
  ['heatmapCells', limits.heatmapCells, 'cells', 'Cells of a heatmap, across or down.'],
  ['drawingSteps', limits.runSteps, 'steps', 'Steps of a drawing.'],
  ['drawingElements', limits.runElements, 'elements', 'Shapes or strokes of a drawing.'],
  ['drawingEdge', limits.runEdge[1], 'pixels', 'The longer edge of a drawing.'],
  ['paletteColours', limits.paletteColours, 'colours', 'Colours of a palette.'],
  ['complexity', limits.complexity, 'points', 'The cost of a document: about one a field and item.'],
  ['depth', limits.depth, 'levels', 'Fields of a document inside one another.'],
  ['aliases', limits.aliases, 'aliases', 'Aliases of a document.'],
  ['tokens', limits.tokens, 'tokens', 'Tokens of a document.'],
]

const settings = (own: ServerLimits): LimitRow[] => [
  ['uploadBytes', own.uploadBytes, 'bytes', 'One image.'],
  ['bodyBytes', own.bodyBytes, 'bytes', 'The body of one request.'],
  ['pixels', own.pixels, 'pixels', 'One image.'],
  ['deadline', own.deadlineMs, 'milliseconds', 'The time that one request may take.'],
]

const limitOf = ([name, value, unit, description]: LimitRow): LimitObject => ({
  name,
  value,
  unit,
  description,
})

const ServerLimit = builder.objectRef<LimitObject>('ServerLimit').implement({
  description: 'The most that one request, document or stored thing may hold.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For programs.' }),
    value: t.exposeFloat('value', { description: 'The most that is taken.' }),
    unit: t.exposeString('unit', { description: 'What is counted, e.g. bytes.' }),
    description: t.exposeString('description', { description: 'What is limited, for people.' }),
  }),
})

const OperationKind = builder.enumType('OperationKind', {
  description: 'The root type of an operation.',
  values: {
    QUERY: { description: 'Reads.' },
    MUTATION: { description: 'Changes something.' },
    SUBSCRIPTION: { description: 'Follows something, over server-sent events.' },
  },
})

const ScopeEnum = builder.enumType('Scope', {
  description: 'What a key allows.',
  values: {
    READ: { description: 'Read the library, the models and drawings.' },
    INSERT: { description: 'Add images, start and stop drawings.' },
    EDIT: { description: 'Change and delete images, delete drawings.' },
    ADMIN: { description: 'Read figures of the whole server, beside GraphQL.' },
  } satisfies Record<Uppercase<Scope>, { description: string }>,
})

interface OperationObject {
  name: string
  kind: typeof OperationKind.$inferType
  scope: Scope
}

const ServerOperation = builder.objectRef<OperationObject>('ServerOperation').implement({
  description: 'A root field of the schema.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the field.' }),
    kind: t.field({ type: OperationKind, description: 'Its root type.', resolve: ({ kind }) => kind }),
    scope: t.field({
      type: ScopeEnum,
      description: 'The scope that a key needs for it.',
      resolve: ({ scope }) => scope.toUpperCase() as Uppercase<Scope>,
    }),
  }),
})

/** Every root field and its scope, as operation.ts put it down. */
export function operationsOf(schema: GraphQLSchema): OperationObject[] {
  const of = (kind: OperationObject['kind'], type: GraphQLObjectType | null | undefined) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({
      name: field.name,
      kind,
      scope: scopeOf(field)!,
    }))
  return [
    ...of('QUERY', schema.getQueryType()),
    ...of('MUTATION', schema.getMutationType()),
    ...of('SUBSCRIPTION', schema.getSubscriptionType()),
  ]
}

const IndexingProgress = builder.objectRef<EnricherProgress>('IndexingProgress').implement({
  description: 'How far something that is found out about every image has come.',
  fields: (t) => ({
    name: t.string({
      description: '`vectors`, `colours` and the like.',
      resolve: ({ enricher }) => enricher,
    }),
    revision: t.exposeString('revision', { description: 'Of the model, or of what is found out.' }),
    done: t.exposeInt('done', { description: 'Images that are through, those that failed among them.' }),
    failed: t.exposeInt('failed', { description: 'Images that could not be read.' }),
    total: t.exposeInt('total', { description: 'Images of the library.' }),
  }),
})

const Server = builder.objectRef<object>('Server').implement({
  description: 'This server.',
  fields: (t) => ({
    version: t.string({
      description: 'Its version, as `limn --version` says it.',
      resolve: (_server, _args, { server }) => server.version,
    }),
    limits: t.field({
      type: [ServerLimit],
      description: 'Its limits: some are fixed, some its settings.',
      complexity: { field: 0, multiplier: 1 },
      resolve: (_server, _args, { server }) => [...fixedLimits, ...settings(server.limits)].map(limitOf),
    }),
    notices: t.field({
      type: [Notice],
      nullable: true,
      description: 'What could be better about its library and its default model; counts the library.',
      complexity: { field: 50, multiplier: 1 },
      resolve: async (_server, _args, { catalogue, notices }) =>
        notices.of((await catalogue.get()).card, true),
    }),
    operations: t.field({
      type: [ServerOperation],
      description: 'Its operations, with the scope that each needs.',
      complexity: { field: 0, multiplier: 1 },
      resolve: (_server, _args, _context, { schema }) => operationsOf(schema),
    }),
    indexing: t.field({
      type: [IndexingProgress],
      nullable: true,
      description: 'What is found out about every image in the background, and how far that is.',
      complexity: { field: 50, multiplier: 1 },
      resolve: (_server, _args, { library }) => library.progress(),
    }),
  }),
})

builder.queryField('server', (t) =>
  t.field({
    type: Server,
    ...operation(
      'read',
      'This server: its version, its limits, the scopes of its operations.',
      '{ server { version limits { name value unit description } operations { name scope kind } } }',
    ),
    resolve: () => ({}),
  }),
)
