import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'
import { atMost } from '../core/errors.ts'

builder.queryFields((t) => ({
  node: t.node({
    description: 'An asset, a model or a guidance run by its id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Id of an asset, a model or a run.' }) },
    id: (_root, { id }) => id,
  }),
  nodes: t.nodeList({
    description: 'Assets, models and runs by their ids, in that order; null where there is none.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${limits.ids}.` }) },
    complexity: ({ ids }) => ({ field: 1, multiplier: counted(ids.length, limits.ids) }),
    ids: (_root, { ids }) => {
      atMost(ids, limits.ids, 'ids')
      return ids
    },
  }),
}))
