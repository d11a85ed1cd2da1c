import type { PageInfoShape } from '@pothos/plugin-relay'
import { positionOf } from '../../prisma/lists/pages.ts'
import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { countedPage } from '../core/cost.ts'
import { operation } from '../core/operation.ts'
import { firstDescription, relayOptions } from '../relay/options.ts'
import { pageInfo, pageSize } from '../relay/page.ts'
import { Asset } from './asset.ts'
import { AssetCounts, addCounts } from './facets.ts'
import { AssetOrderInput, cursorIn, orderOf, positionIn } from './order.ts'
import { AssetWhere, checkedWhere } from './where.ts'

interface ConnectionObject {
  edges: { node: AssetRow; cursor: string }[]
  pageInfo: PageInfoShape
  counts: AssetCounts
}

const AssetConnection = builder.connectionObject<typeof Asset, ConnectionObject>(
  {
    name: 'AssetConnection',
    type: Asset,
    description: 'A page of the library.',
    edgesField: { description: 'The images of the page, in the order that was asked for.' },
  },
  {
    name: 'AssetEdge',
    description: 'An image at its position in the list.',
    nodeField: { description: 'The image.' },
  },
)
addCounts(AssetConnection, 'match')

builder.queryFields((t) => ({
  asset: t.field({
    type: Asset,
    nullable: true,
    ...operation(
      'read',
      'An image of the library by its id; null when there is none.',
      '{ asset(id: "asset_...") { name url tags similar(first: 5) { nodes { id name } } } }',
    ),
    args: { id: t.arg.id({ required: true, description: 'asset_...' }) },
    resolve: (_root, { id }, { loaders }) => loaders.asset.load(id),
  }),
  assets: t.field({
    type: AssetConnection,
    nullable: true,
    ...operation(
      'read',
      'The library, newest first or in another order, paged in either direction. Pages go on exactly where the one before ended, whatever is added, deleted or changed meanwhile; an image whose own place changes may come twice, or not.',
      `{
        assets(first: 10, where: { tagsAny: ["icon"], not: { collections: ["Archive"] } }, orderBy: { field: NAME }) {
          nodes { id name }
          totalCount
          facets { tags(first: 5) { value count } }
          pageInfo { endCursor hasNextPage }
        }
      }`,
    ),
    args: {
      where: t.arg({ type: AssetWhere, description: 'Only images that match.' }),
      orderBy: t.arg({ type: AssetOrderInput, description: 'Newest first when absent.' }),
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string(relayOptions.afterArgOptions),
      last: t.arg.int(relayOptions.lastArgOptions),
      before: t.arg.string(relayOptions.beforeArgOptions),
    },
    complexity: ({ first, last }) => ({ field: 5, multiplier: countedPage(first ?? last) }),
    resolve: async (_root, { where, orderBy, first, after, last, before }, { database }) => {
      if (first != null && last != null) throw new BadUserInput('Give either first or last, not both.')
      const size =
        last == null
          ? { first: pageSize(first ?? limits.defaultPageSize, 'first') }
          : { last: pageSize(last, 'last') }
      const filter = checkedWhere(where)
      const order = orderOf(orderBy)
      const { rows, hasNextPage, hasPreviousPage } = await database.assets.page({
        ...size,
        where: filter,
        orderBy: order,
        after: positionIn(order, after, 'after'),
        before: positionIn(order, before, 'before'),
      })
      const edges = rows.map((node) => ({ node, cursor: cursorIn(order, positionOf(node, order)) }))
      return {
        edges,
        pageInfo: pageInfo(edges, { hasNextPage, hasPreviousPage }),
        counts: new AssetCounts(database.counts, filter),
      }
    },
  }),
}))
