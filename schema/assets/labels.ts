/** The tags and collections of the library, with how many images each has. */
import type { PageInfoShape } from '@pothos/plugin-relay'
import type { ValueCount, ValueRequest } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { stepsOf } from '../../workers/ingest/labels/collections.ts'
import { characters, cleanLine } from '../../workers/ingest/labels/texts.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { countedPage } from '../core/cost.ts'
import { operation } from '../core/operation.ts'
import { firstDescription } from '../relay/options.ts'
import { decodeCursor, encodeCursor, pageInfo, pageSize } from '../relay/page.ts'
import { capped, placeOf } from './facets.ts'

const LabelOrder = builder.enumType('LabelOrder', {
  description: 'An order of tags or collections.',
  values: {
    COUNT: { description: 'Those of most images first.' },
    NAME: { description: 'By name, regardless of case; a collection comes before those below it.' },
  } satisfies Record<ValueRequest['orderBy'], { description: string }>,
})

interface ConnectionObject {
  edges: { node: ValueCount; cursor: string }[]
  pageInfo: PageInfoShape
  totalCount: number
}

const Tag = builder.objectRef<ValueCount>('Tag').implement({
  description: 'A tag of the library.',
  fields: (t) => ({
    name: t.string({ description: 'As most of its images write it.', resolve: ({ label }) => label }),
    count: t.int({ description: 'How many images have it.', resolve: ({ count }) => capped(count) }),
  }),
})

const Collection = builder.objectRef<ValueCount>('Collection').implement({
  description: 'A collection of the library, or one above some.',
  fields: (t) => ({
    path: t.string({
      description: 'Its whole path, as most of its images write it, e.g. "Brand/2025/Logos".',
      resolve: ({ label }) => label,
    }),
    name: t.string({
      description: 'The last step of its path, e.g. "Logos".',
      resolve: ({ label }) => stepsOf(label).at(-1) ?? label,
    }),
    count: t.int({
      description: 'How many images are in it and in those below it, each counted once.',
      resolve: ({ count }) => capped(count),
    }),
  }),
})

const connectionOf = <Node extends typeof Tag | typeof Collection>(name: 'Tag' | 'Collection', type: Node) =>
  builder.connectionObject<Node, ConnectionObject>(
    {
      name: `${name}Connection`,
      type,
      description: `A page of ${name.toLowerCase()}s.`,
      edgesField: { description: `The ${name.toLowerCase()}s of the page.` },
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many there are on all pages; images are counted by `count` of each.',
          resolve: ({ totalCount }) => totalCount,
        }),
      }),
    },
    {
      name: `${name}Edge`,
      description: `A ${name.toLowerCase()} at its position in the list.`,
      nodeField: { description: `The ${name.toLowerCase()}.` },
    },
  )

const TagConnection = connectionOf('Tag', Tag)
const CollectionConnection = connectionOf('Collection', Collection)

interface ListArgs {
  prefix?: string | null
  orderBy: ValueRequest['orderBy']
  first?: number | null
  after?: string | null
}

/** @throws BadUserInput */
async function list(
  facet: 'tags' | 'collections',
  args: ListArgs,
  place: Pick<ValueRequest, 'under' | 'depth'>,
  { database }: Context,
): Promise<ConnectionObject> {
  const { orderBy } = args
  const prefix = args.prefix == null ? '' : cleanLine(args.prefix)
  if (characters(prefix) > limits.collectionLength)
    throw new BadUserInput(
      `prefix has ${characters(prefix)} characters; at most ${limits.collectionLength} are looked for.`,
      { argument: 'prefix', limit: limits.collectionLength },
    )
  const after =
    args.after == null
      ? null
      : decodeCursor(facet, args.after, 'after', ([order, count, key]) =>
          order === orderBy && Number.isFinite(count) && typeof key === 'string' && !key.includes('\0')
            ? { count: count as number, key }
            : null,
        )
  const first = pageSize(args.first ?? limits.defaultPageSize, 'first')
  const [page] = await database.counts.values(null, [{ facet, orderBy, first, after, prefix, ...place }])
  const edges = page!.values.map((node) => ({
    node,
    cursor: encodeCursor(facet, [orderBy, node.count, node.key]),
  }))
  return {
    edges,
    totalCount: page!.total,
    pageInfo: pageInfo(edges, { hasNextPage: page!.hasNextPage, hasPreviousPage: after !== null }),
  }
}

builder.queryFields((t) => {
  const paging = {
    orderBy: t.arg({
      type: LabelOrder,
      required: true,
      defaultValue: 'COUNT',
      description: 'Their order.',
    }),
    first: t.arg.int({ description: firstDescription }),
    after: t.arg.string({ description: 'Cursor of the same list; the page begins after it.' }),
  }
  const complexity = ({ first }: { first?: number | null }) => ({
    field: 5,
    multiplier: countedPage(first),
  })
  return {
    tags: t.field({
      type: TagConnection,
      nullable: true,
      ...operation(
        'read',
        'The tags of the library, with how many images each has. Images without tags: assets(where: { untagged: true }).',
        '{ tags(prefix: "sum", first: 10) { nodes { name count } totalCount pageInfo { endCursor hasNextPage } } }',
      ),
      args: {
        prefix: t.arg.string({ description: 'Only those that begin so, regardless of case.' }),
        ...paging,
      },
      complexity,
      resolve: (_root, args, context) => list('tags', args, {}, context),
    }),
    collections: t.field({
      type: CollectionConnection,
      nullable: true,
      ...operation(
        'read',
        'The collections of the library, with how many images each has: all of them, or one level of their tree.',
        '{ collections(under: "Brand", depth: 1, orderBy: NAME) { nodes { path name count } totalCount } }',
      ),
      args: {
        prefix: t.arg.string({
          description: 'Only those whose path or name begins so, regardless of case.',
        }),
        under: t.arg.string({ description: 'Only those that lie below this one.' }),
        depth: t.arg.int({
          description: 'Only so many levels: 1 is the top, or what lies directly in `under`.',
        }),
        ...paging,
      },
      complexity,
      resolve: (_root, args, context) => list('collections', args, placeOf(args), context),
    }),
  }
})
