import type { AssetRow } from '../../prisma/types.ts'
import type { RunRow } from '../../workers/drawing/runs/run-store.ts'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { ModelNotFound } from '../../workers/errors.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { atMost } from './errors.ts'
import { counted, limits } from './limits.ts'

/** Every type that has an id, as its resolver's parent object. */
export type NodeObject = AssetRow | ServedModel | RunRow

export const isModel = (node: NodeObject): node is ServedModel => 'card' in node

export const Node = builder.interfaceRef<NodeObject>('Node').implement({
  description: 'Anything that can be fetched again by its id.',
  resolveType: (node) => (isModel(node) ? 'Model' : isRunId(node.id) ? 'GuidanceRun' : 'Asset'),
  fields: (t) => ({
    id: t.id({
      description: 'Unique over all types.',
      resolve: (node) => (isModel(node) ? node.card.name : node.id),
    }),
  }),
})

/** Whether a run could have this id. */
export const isRunId = (id: string) => /^run_\w{1,64}$/.test(id)

/** Ids that begin with asset_ are assets, those with run_ runs; every other id can only be a model's name. */
async function load(id: string, context: Context): Promise<NodeObject | null> {
  if (id.startsWith('asset_')) return context.loaders.asset.load(id)
  if (id.startsWith('run_')) return isRunId(id) ? context.runs.get(id) : null
  try {
    return await context.catalogue.get(id)
  } catch (error) {
    if (error instanceof ModelNotFound) return null
    throw error
  }
}

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: 'An asset, a model or a guidance run by its id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id of an asset, a model or a run.' }) },
    resolve: (_root, { id }, context) => load(id, context),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: 'Assets, models and runs by their ids, in that order; null where there is none.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${limits.ids}.` }) },
    complexity: ({ ids }) => ({ field: 1, multiplier: counted(ids.length, limits.ids) }),
    resolve: (_root, { ids }, context) => {
      atMost(ids, limits.ids, 'ids')
      return Promise.all(ids.map((id) => load(id, context)))
    },
  }),
}))
