import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'
import { atMost } from '../core/errors.ts'
import { operation } from '../core/operation.ts'

type FieldRef = PothosSchemaTypes.FieldRef<typeof builder.$inferSchemaTypes>

/** The plugin's lists of nodes are never null, and an error of theirs would take the whole answer. */
function nullable<Ref extends FieldRef>(ref: Ref): Ref {
  ref.updateConfig((config) => ({ ...config, type: { ...config.type, nullable: true } }))
  return ref
}

builder.queryFields((t) => ({
  node: t.node({
    ...operation(
      'read',
      'An asset, a model or a drawing by its id; null when there is none.',
      '{ node(id: "asset_...") { id ... on Asset { name } ... on Drawing { status } } }',
    ),
    args: { id: t.arg.id({ required: true, description: 'Id of an asset, a model or a drawing.' }) },
    id: (_root, { id }) => id,
  }),
  nodes: nullable(
    t.nodeList({
      ...operation(
        'read',
        'Assets, models and drawings by their ids, in that order; null where there is none.',
        '{ nodes(ids: ["asset_...", "limn-icons"]) { __typename id } }',
      ),
      args: { ids: t.arg.idList({ required: true, description: `At most ${limits.ids}.` }) },
      complexity: ({ ids }) => ({ field: 1, multiplier: counted(ids.length, limits.ids) }),
      ids: (_root, { ids }) => {
        atMost(ids, limits.ids, 'ids')
        return ids
      },
    }),
  ),
}))
