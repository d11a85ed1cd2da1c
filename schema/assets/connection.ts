import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { countedPage } from '../core/cost.ts'
import { isAssetId } from '../relay/ids.ts'
import { decodeCursor, encodeCursor, pageSize } from '../relay/page.ts'
import { Asset } from './asset.ts'
import { AssetWhere, checkedWhere } from './where.ts'

const cursorOf = (asset: AssetRow) => encodeCursor('assets', [asset.id])

function assetIdOf(cursor: string | null | undefined, argument: string): string | null {
  if (cursor == null) return null
  return decodeCursor('assets', cursor, argument, ([id]) =>
    typeof id === 'string' && isAssetId(id) ? id : null,
  )
}

builder.queryFields((t) => ({
  asset: t.field({
    type: Asset,
    nullable: true,
    description: 'An image by its id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'asset_...' }) },
    resolve: (_root, { id }, { loaders }) => loaders.asset.load(id),
  }),
  assets: t.connection(
    {
      type: Asset,
      description: 'The library, newest first, paged in either direction.',
      args: { where: t.arg({ type: AssetWhere, description: 'Only images that match.' }) },
      complexity: ({ first, last }) => ({ field: 5, multiplier: countedPage(first ?? last) }),
      resolve: async (_root, { where, first, after, last, before }, { database }) => {
        if (first != null && last != null) throw new BadUserInput('Give either first or last, not both.')
        const size =
          last == null
            ? { first: pageSize(first ?? limits.defaultPageSize, 'first') }
            : { last: pageSize(last, 'last') }
        const { rows, hasNextPage, hasPreviousPage } = await database.assets.page({
          ...size,
          where: checkedWhere(where),
          after: assetIdOf(after, 'after'),
          before: assetIdOf(before, 'before'),
        })
        const edges = rows.map((node) => ({ node, cursor: cursorOf(node) }))
        return {
          edges,
          pageInfo: {
            hasNextPage,
            hasPreviousPage,
            startCursor: edges[0]?.cursor ?? null,
            endCursor: edges.at(-1)?.cursor ?? null,
          },
        }
      },
    },
    {
      name: 'AssetConnection',
      description: 'A page of the library.',
      edgesField: { description: 'The images of the page, newest first.' },
    },
    {
      name: 'AssetEdge',
      description: 'An image at its position in the list.',
      nodeField: { description: 'The image.' },
    },
  ),
}))
