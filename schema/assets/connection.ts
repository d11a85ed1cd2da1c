import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { countedPage } from '../core/cost.ts'
import { isAssetId } from '../core/loaders.ts'
import {
  decodeCursor,
  encodeCursor,
  firstDescription,
  PageInfo,
  type PageInfoObject,
  pageSize,
} from '../core/page.ts'
import { Asset } from './asset.ts'
import { AssetWhere, checkedWhere } from './where.ts'

interface EdgeObject {
  node: AssetRow
  cursor: string
}

const AssetEdge = builder.objectRef<EdgeObject>('AssetEdge').implement({
  description: 'An image in its place of the list.',
  fields: (t) => ({
    node: t.field({ type: Asset, description: 'The image.', resolve: ({ node }) => node }),
    cursor: t.exposeString('cursor', { description: 'Its place: give it as after or before.' }),
  }),
})

const AssetConnection = builder
  .objectRef<{ edges: EdgeObject[]; pageInfo: PageInfoObject }>('AssetConnection')
  .implement({
    description: 'A page of the library.',
    fields: (t) => ({
      edges: t.field({
        type: [AssetEdge],
        description: 'The images of the page, newest first.',
        complexity: { field: 0, multiplier: 1 },
        resolve: ({ edges }) => edges,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Where the page lies.',
        resolve: ({ pageInfo }) => pageInfo,
      }),
    }),
  })

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
  assets: t.field({
    type: AssetConnection,
    description: 'The library, newest first, page by page in either direction.',
    args: {
      where: t.arg({ type: AssetWhere, description: 'Only these.' }),
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: 'Cursor that the page begins after.' }),
      last: t.arg.int({ description: 'How many from the end, in place of first.' }),
      before: t.arg.string({ description: 'Cursor that the page ends before.' }),
    },
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
  }),
}))
