import { limits } from '../../workers/limits.ts'
import { typenameOf } from './ids.ts'

export const firstDescription = `Page size, 1 to ${limits.pageSize}; ${limits.defaultPageSize} when absent.`

/** Texts and ids of Relay's part of the schema (https://relay.dev/docs/guides/graphql-server-specification). */
export const relayOptions = {
  encodeGlobalID: (_typename: string, id: string | number | bigint) => String(id),
  decodeGlobalID: (id: string) => ({ typename: typenameOf(id), id }),
  // Declared in node.ts, where their limits are checked.
  nodeQueryOptions: false,
  nodesQueryOptions: false,
  nodeTypeOptions: { description: 'An object that can be fetched again by its id.' },
  idFieldOptions: { description: 'Unique over all types.' },
  pageInfoTypeOptions: { description: 'Where a page is in its list.' },
  hasNextPageFieldOptions: { description: 'Whether more items follow this page.' },
  hasPreviousPageFieldOptions: { description: 'Whether items precede this page.' },
  startCursorFieldOptions: { description: 'Cursor of the first edge.' },
  endCursorFieldOptions: { description: 'Cursor of the last edge: `after` of the next page.' },
  firstArgOptions: { description: firstDescription },
  afterArgOptions: { description: 'Cursor that the page begins after.' },
  lastArgOptions: { description: 'Page size from the end, in place of first.' },
  beforeArgOptions: { description: 'Cursor that the page ends before.' },
  pageInfoFieldOptions: { description: 'Where the page is in the list.' },
  nodesOnConnection: {
    description: 'The items of the edges, for those who need no cursors.',
    complexity: { field: 0, multiplier: 1 },
  },
  edgesFieldOptions: { complexity: { field: 0, multiplier: 1 } },
  cursorFieldOptions: {
    description: 'Position in the list: pass it as `after`, or as `before` where there is one.',
  },
} as const
