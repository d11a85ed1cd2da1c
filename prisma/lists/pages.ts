/**
 * Pages of the library by keyset: where a page ended is a place in the order, not a number of rows, so whatever is added,
 * deleted or changed between pages, every other row comes once.
 */
import { assetColumns } from '../asset-columns.ts'
import { filterSql } from '../filter.ts'
import { Prisma, type PrismaClient } from '../generated/client.ts'
import type {
  AssetOrder,
  AssetOrderField,
  AssetPage,
  AssetPageRequest,
  AssetPosition,
  AssetRow,
} from '../types.ts'

const columns = Prisma.raw(assetColumns)

interface Order {
  /** What rows are sorted by before their id, as its index has it; null for the id alone. */
  key: Prisma.Sql | null
  /** A position's value as such a key. */
  of(value: AssetPosition['value']): Prisma.Sql
  nullable?: boolean
  value(row: AssetRow): AssetPosition['value']
}

const moment = (value: AssetPosition['value']) => Prisma.sql`${value}::timestamptz`

/** Names are not null, nor are sizes: the types say what a position of theirs holds. */
const orders: Record<AssetOrderField, Order> = {
  // Ids sort by time.
  ADDED: { key: null, of: () => Prisma.empty, value: () => null },
  TAKEN: {
    key: Prisma.sql`a."takenAt"`,
    of: moment,
    nullable: true,
    value: ({ takenAt }) => takenAt?.toISOString() ?? null,
  },
  UPDATED: {
    key: Prisma.sql`a."updatedAt"`,
    of: moment,
    value: ({ updatedAt }) => updatedAt.toISOString(),
  },
  NAME: {
    key: Prisma.sql`(limn_name_key(a."name") COLLATE "C")`,
    of: (value) => Prisma.sql`(limn_name_key(${value}::text) COLLATE "C")`,
    value: ({ name }) => name,
  },
  SIZE: { key: Prisma.sql`a."bytes"`, of: (value) => Prisma.sql`${value}::int`, value: ({ bytes }) => bytes },
}

export const newestFirst: AssetOrder = { field: 'ADDED', direction: 'DESC' }

/** Where a row is in an order. */
export const positionOf = (row: AssetRow, { field }: AssetOrder): AssetPosition => ({
  value: orders[field].value(row),
  id: row.id,
})

/** Rows with a value, and those without, which come last whatever the direction. */
type Part = 'all' | 'valued' | 'null'

export async function pageOf(client: PrismaClient, request: AssetPageRequest): Promise<AssetPage> {
  const { where, first, after, last, before } = request
  if ((first == null) === (last == null)) throw new TypeError('Exactly one of first and last is needed.')
  const scan = new OrderedScan(client, request.orderBy ?? newestFirst, filterSql(where) ?? Prisma.sql`TRUE`)
  const size = (first ?? last)!
  const backwards = last != null
  const found = await scan.rows(after ?? null, before ?? null, size + 1, backwards)
  const more = found.length > size
  const rows = found.slice(0, size)
  if (backwards) rows.reverse()
  const [begin, end] = [rows[0], rows.at(-1)]
  // Without rows the cursor's own place, which may be that of a row, is beyond the page.
  const earlier = () => scan.exists(null, begin ? scan.position(begin) : after!, !begin)
  const later = () => scan.exists(end ? scan.position(end) : before!, null, !end)
  return {
    rows,
    hasNextPage: backwards ? before != null && (await later()) : more,
    hasPreviousPage: backwards ? more : after != null && (await earlier()),
  }
}

class OrderedScan {
  readonly #client: PrismaClient
  readonly #order: AssetOrder
  readonly #filter: Prisma.Sql

  constructor(client: PrismaClient, order: AssetOrder, filter: Prisma.Sql) {
    this.#client = client
    this.#order = order
    this.#filter = filter
  }

  position(row: AssetRow): AssetPosition {
    return positionOf(row, this.#order)
  }

  /** Up to `limit` rows between two places, from the first on, or from the last backwards. */
  async rows(
    after: AssetPosition | null,
    before: AssetPosition | null,
    limit: number,
    backwards: boolean,
  ): Promise<AssetRow[]> {
    const found: AssetRow[] = []
    for (const part of backwards ? this.#parts().toReversed() : this.#parts()) {
      const bounds = this.#bounds(part, after, before)
      if (!bounds) continue
      found.push(
        ...(await this.#client.$queryRaw<AssetRow[]>`
          SELECT ${columns} FROM "Asset" a WHERE ${this.#filter} AND ${bounds}
          ORDER BY ${this.#sorting(part, backwards)} LIMIT ${limit - found.length}::int`),
      )
      if (found.length === limit) break
    }
    return found
  }

  /** Whether a row lies between two places; `inclusive` counts a row at the place itself. */
  async exists(
    after: AssetPosition | null,
    before: AssetPosition | null,
    inclusive: boolean,
  ): Promise<boolean> {
    for (const part of this.#parts()) {
      const bounds = this.#bounds(part, after, before, inclusive)
      if (!bounds) continue
      const [row] = await this.#client.$queryRaw<{ there: boolean }[]>`
        SELECT EXISTS (SELECT 1 FROM "Asset" a WHERE ${this.#filter} AND ${bounds}) AS there`
      if (row!.there) return true
    }
    return false
  }

  #parts(): Part[] {
    return orders[this.#order.field].nullable ? ['valued', 'null'] : ['all']
  }

  #sorting(part: Part, backwards: boolean): Prisma.Sql {
    const { key } = orders[this.#order.field]
    const ascending = (this.#order.direction === 'ASC') !== backwards
    const direction = Prisma.raw(ascending ? 'ASC' : 'DESC')
    if (!key || part === 'null') return Prisma.sql`a."id" ${direction}`
    return Prisma.sql`${key} ${direction}, a."id" ${direction}`
  }

  /** The condition for a part of the rows; null where the places leave nothing of it. */
  #bounds(
    part: Part,
    after: AssetPosition | null,
    before: AssetPosition | null,
    inclusive = false,
  ): Prisma.Sql | null {
    const { key, of } = orders[this.#order.field]
    const conditions: Prisma.Sql[] = []
    if (part === 'valued') conditions.push(Prisma.sql`${key!} IS NOT NULL`)
    if (part === 'null') conditions.push(Prisma.sql`${key!} IS NULL`)
    for (const [place, beyond] of [
      [after, this.#order.direction === 'ASC' ? '>' : '<'],
      [before, this.#order.direction === 'ASC' ? '<' : '>'],
    ] as const) {
      if (!place) continue
      const isNull = key !== null && part !== 'all' && place.value === null
      // A place among the rows without a value lies behind all that have one.
      if (part === 'valued' && isNull) {
        if (place === after) return null
        continue
      }
      if (part === 'null' && !isNull) {
        if (place === before) return null
        continue
      }
      const operator = Prisma.raw(inclusive ? `${beyond}=` : beyond)
      conditions.push(
        !key || part === 'null'
          ? Prisma.sql`a."id" ${operator} ${place.id}`
          : Prisma.sql`(${key}, a."id") ${operator} (${of(place.value)}, ${place.id})`,
      )
    }
    return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`TRUE`
  }
}
