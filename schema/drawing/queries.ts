/** Reads drawings: one by its id, a list of them, one as it is made. */
import type { PageInfoShape } from '@pothos/plugin-relay'
import type { RunRow } from '../../workers/drawing/runs/run-store.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { countedPage } from '../core/cost.ts'
import { operation } from '../core/operation.ts'
import { isRunId } from '../relay/ids.ts'
import { firstDescription } from '../relay/options.ts'
import { decodeCursor, encodeCursor, pageInfo, pageSize } from '../relay/page.ts'
import { unknownDrawing } from './checks.ts'
import { Drawing, DrawingStatus } from './types.ts'

interface ConnectionObject {
  edges: { node: RunRow; cursor: string }[]
  pageInfo: PageInfoShape
  count(): Promise<number>
}

const DrawingConnection = builder.connectionObject<typeof Drawing, ConnectionObject>(
  {
    name: 'DrawingConnection',
    type: Drawing,
    description: 'A page of drawings.',
    edgesField: { description: 'The drawings of the page, newest first.' },
    fields: (t) => ({
      totalCount: t.int({
        nullable: true,
        description: 'How many drawings there are, on all pages.',
        resolve: (page) => page.count(),
      }),
    }),
  },
  {
    name: 'DrawingEdge',
    description: 'A drawing at its position in the list.',
    nodeField: { description: 'The drawing.' },
  },
)

builder.queryFields((t) => ({
  drawing: t.field({
    type: Drawing,
    nullable: true,
    ...operation(
      'read',
      'A drawing by its id; null when there is none.',
      '{ drawing(id: "run_...") { status step steps svg preview { base64 } } }',
    ),
    args: { id: t.arg.id({ required: true, description: 'Id of the drawing.' }) },
    resolve: (_root, { id }, { runs }) => (isRunId(id) ? runs.get(id) : null),
  }),
  drawings: t.field({
    type: DrawingConnection,
    nullable: true,
    ...operation(
      'read',
      'The drawings, newest first.',
      '{ drawings(first: 10, status: RUNNING) { nodes { id status step steps } totalCount } }',
    ),
    args: {
      status: t.arg({ type: [DrawingStatus], description: 'Only those of one of these.' }),
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: 'Cursor that the page begins after.' }),
    },
    complexity: ({ first }) => ({ field: 5, multiplier: countedPage(first) }),
    resolve: async (_root, { status, first, after }, { runs }) => {
      const page = await runs.page({
        status: status ?? null,
        first: pageSize(first ?? limits.defaultPageSize, 'first'),
        after: after == null ? null : decodeCursor('drawings', after, 'after', idOf),
      })
      const edges = page.rows.map((node) => ({ node, cursor: encodeCursor('drawings', [node.id]) }))
      return {
        edges,
        pageInfo: pageInfo(edges, { hasNextPage: page.hasNextPage, hasPreviousPage: after != null }),
        count: () => runs.count(status ?? null),
      }
    },
  }),
}))

const idOf = ([id]: unknown[]) => (typeof id === 'string' && isRunId(id) ? id : null)

builder.subscriptionType({ description: 'Live updates, over server-sent events.' })
builder.subscriptionFields((t) => ({
  drawing: t.field({
    type: Drawing,
    nullable: true,
    ...operation(
      'read',
      'Follows a drawing: as it is now, then at every few steps, and ends with its end, whose status says whether it is DONE, STOPPED or FAILED. A slow reader may miss steps, but never the last one.',
      `subscription {
        drawing(id: "run_...") { id status step loss svg preview { base64 } }
      }`,
    ),
    args: { id: t.arg.id({ required: true, description: 'Id of the drawing.' }) },
    subscribe: async (_root, { id }, { runs, signal }) => {
      if (isRunId(id) && (await runs.get(id))) return runs.frames(id, signal)
      throw unknownDrawing(id, 'id')
    },
    resolve: (row: RunRow) => row,
  }),
}))
