import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { countedPage } from '../core/cost.ts'
import { operation } from '../core/operation.ts'
import { isAssetId } from '../relay/ids.ts'
import { decodeCursor, encodeCursor, pageInfo, pageSize } from '../relay/page.ts'
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
    ...operation(
      'read',
      'An image of the library by its id; null when there is none.',
      '{ asset(id: "asset_...") { name url tags similar(first: 5) { nodes { id name } } } }',
    ),
    args: { id: t.arg.id({ required: true, description: 'asset_...' }) },
    resolve: (_root, { id }, { loaders }) => loaders.asset.load(id),
  }),
  assets: t.connection(
    {
      type: Asset,
      nullable: true,
      ...operation(
        'read',
        'The library, newest first, paged in either direction.',
        '{ assets(first: 10, where: { tagsAny: ["icon"] }) { nodes { id name } totalCount pageInfo { endCursor hasNextPage } } }',
      ),
      args: { where: t.arg({ type: AssetWhere, description: 'Only images that match.' }) },
      complexity: ({ first, last }) => ({ field: 5, multiplier: countedPage(first ?? last) }),
      resolve: async (_root, { where, first, after, last, before }, { database }) => {
        if (first != null && last != null) throw new BadUserInput('Give either first or last, not both.')
        const size =
          last == null
            ? { first: pageSize(first ?? limits.defaultPageSize, 'first') }
            : { last: pageSize(last, 'last') }
        const filter = checkedWhere(where)
        const { rows, hasNextPage, hasPreviousPage } = await database.assets.page({
          ...size,
          where: filter,
          after: assetIdOf(after, 'after'),
          before: assetIdOf(before, 'before'),
        })
        const edges = rows.map((node) => ({ node, cursor: cursorOf(node) }))
        return {
          edges,
          pageInfo: pageInfo(edges, { hasNextPage, hasPreviousPage }),
          count: () => database.assets.count(filter),
        }
      },
    },
    {
      name: 'AssetConnection',
      description: 'A page of the library.',
      edgesField: { description: 'The images of the page, newest first.' },
      fields: (t) => ({
        totalCount: t.int({
          nullable: true,
          description: 'How many images match, on all pages.',
          resolve: (page) => page.count(),
        }),
      }),
    },
    {
      name: 'AssetEdge',
      description: 'An image at its position in the list.',
      nodeField: { description: 'The image.' },
    },
  ),
}))
