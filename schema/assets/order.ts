import { newestFirst } from '../../prisma/lists/pages.ts'
import type { AssetOrder, AssetOrderField, AssetPosition } from '../../prisma/types.ts'
import { builder } from '../core/builder.ts'
import { isAssetId } from '../relay/ids.ts'
import { decodeCursor, encodeCursor } from '../relay/page.ts'

const AssetOrderFieldEnum = builder.enumType('AssetOrderField', {
  description: 'What a list of images is sorted by.',
  values: {
    ADDED: { description: 'When it was added.' },
    TAKEN: { description: 'When it was taken; images without a date come last, in either direction.' },
    UPDATED: { description: 'When its labels were changed last, or it was added.' },
    NAME: {
      description:
        'Its name, as people sort: regardless of case and accents, numbers by their value ("img 9" before "img 10").',
    },
    SIZE: { description: 'The size of its file.' },
  } satisfies Record<AssetOrderField, { description: string }>,
})

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'A direction of an order.',
  values: {
    ASC: { description: 'Oldest, smallest, A first.' },
    DESC: { description: 'Newest, largest, Z first.' },
  },
})

export const AssetOrderInput = builder.inputType('AssetOrder', {
  description: 'An order of images. Those that are equal in it are in the order in which they were added.',
  fields: (t) => ({
    field: t.field({ type: AssetOrderFieldEnum, required: true, description: 'What they are sorted by.' }),
    direction: t.field({
      type: OrderDirection,
      description: 'ASC when absent for NAME, DESC for the others.',
    }),
  }),
})

export function orderOf(given: typeof AssetOrderInput.$inferInput | null | undefined): AssetOrder {
  if (!given) return newestFirst
  const { field } = given
  return { field, direction: given.direction ?? (field === 'NAME' ? 'ASC' : 'DESC') }
}

/** A cursor knows its order: one of another order is refused. */
export const cursorIn = ({ field, direction }: AssetOrder, { value, id }: AssetPosition): string =>
  encodeCursor('assets', [field, direction, value, id])

/** @throws BadUserInput */
export function positionIn(
  order: AssetOrder,
  cursor: string | null | undefined,
  argument: string,
): AssetPosition | null {
  if (cursor == null) return null
  return decodeCursor('assets', cursor, argument, ([field, direction, value, id]) =>
    field === order.field &&
    direction === order.direction &&
    typeof id === 'string' &&
    isAssetId(id) &&
    isValueOf(order.field, value)
      ? { value, id }
      : null,
  )
}

/** A cursor can be forged; the database must not see what it cannot read. */
function isValueOf(field: AssetOrderField, value: unknown): value is AssetPosition['value'] {
  if (field === 'ADDED') return value === null
  if (field === 'TAKEN' && value === null) return true
  if (field === 'SIZE') return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31
  if (typeof value !== 'string') return false
  if (field === 'NAME') return !value.includes('\0')
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value))
}
