import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { positionOf } from '../../../prisma/lists/pages.ts'
import type { AssetOrder, AssetOrderField, AssetPosition, AssetRow, Database } from '../../../prisma/types.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestDatabase } from '../../support/database.ts'

let db: Database
let close: () => Promise<void>
beforeAll(async () => {
  const opened = await openTestDatabase()
  db = opened.db
  close = opened.close
})
afterAll(() => close())

let serial = 0
const add = async (fields: Partial<AssetRow>): Promise<AssetRow> =>
  (
    await db.assets.add({
      ...{ name: 'a', title: null, description: null, tags: [], collections: [], mimeType: 'image/png' },
      ...{ contentHash: `hash-${serial++}`, bytes: 1, width: 1, height: 1 },
      ...fields,
    })
  ).row

const fields: AssetOrderField[] = ['ADDED', 'TAKEN', 'UPDATED', 'NAME', 'SIZE']
const directions: AssetOrder['direction'][] = ['ASC', 'DESC']
const orders = fields.flatMap((field) => directions.map((direction) => ({ field, direction })))

describe('orders', () => {
  it('names sort as people sort them: numbers by value, case and accents aside', async () => {
    const sorted = [
      'Äpfel 2.png',
      'apfel 10.png',
      'Banane.png',
      'bild1.png',
      'bild1a.png',
      'Bild 9.png',
      'bild 010.png',
      'bild 10b.png',
      'bild-3.png',
      'été.png',
      'IMG_20250309_140530999999999999999999.png',
    ]
    const key = (name: string) =>
      name
        .normalize('NFKD')
        .replace(/[\u0300-\u036f]/g, '')
        .toLowerCase()
        .replace(/\d+/g, (digits) => digits.padStart(20, '0').slice(-20))
    const expected = sorted.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    for (const name of sorted.toReversed()) await add({ name, collections: ['names'] })
    const where = { collections: ['names'] }
    const page = (orderBy: AssetOrder) => db.assets.page({ where, orderBy, first: 50 })
    const names = (rows: AssetRow[]) => rows.map(({ name }) => name)
    expect(names((await page({ field: 'NAME', direction: 'ASC' })).rows)).toEqual(expected)
    expect(names((await page({ field: 'NAME', direction: 'DESC' })).rows)).toEqual(expected.toReversed())
    expect(expected.indexOf('Bild 9.png')).toBeLessThan(expected.indexOf('bild 010.png'))
  })

  it('a name of any length and kind can be sorted by', async () => {
    for (const name of ['1a'.repeat(127), '\ufdfa'.repeat(255), '漢'.repeat(255), '9'.repeat(255)])
      await add({ name, collections: ['long'] })
    const where = { collections: ['long'] }
    const orderBy = { field: 'NAME', direction: 'ASC' } as const
    const first = await db.assets.page({ where, orderBy, first: 2 })
    const after = positionOf(first.rows[1]!, orderBy)
    const second = await db.assets.page({ where, orderBy, first: 2, after })
    expect(new Set([...first.rows, ...second.rows].map(({ name }) => name)).size).toBe(4)
    expect(second.hasNextPage).toBe(false)
  })

  it.each(['ASC', 'DESC'] as const)(
    'images without a date come last, %s too, from either end',
    async (direction) => {
      const collections = [`dates ${direction}`]
      const [old, none, recent, other] = [
        await add({ collections, takenAt: new Date('2001-02-03') }),
        await add({ collections }),
        await add({ collections, takenAt: new Date('2025-02-03') }),
        await add({ collections }),
      ]
      const dated = direction === 'ASC' ? [old, recent] : [recent, old]
      const undated = direction === 'ASC' ? [none, other] : [other, none]
      const ids = [...dated, ...undated].map((row) => row!.id)
      const orderBy = { field: 'TAKEN', direction } as const
      const where = { collections }
      const page = async (request: object) => {
        const found = await db.assets.page({ where, orderBy, ...request })
        return { ...found, rows: found.rows.map(({ id }) => id) }
      }
      const at = (n: number) => positionOf([...dated, ...undated][n]!, orderBy)
      expect(await page({ first: 9 })).toEqual({ rows: ids, hasNextPage: false, hasPreviousPage: false })
      expect(await page({ last: 3 })).toMatchObject({ rows: ids.slice(1), hasPreviousPage: true })
      for (let n = 0; n < 4; n++) {
        expect(await page({ first: 9, after: at(n) })).toEqual({
          rows: ids.slice(n + 1),
          hasNextPage: false,
          hasPreviousPage: true,
        })
        expect(await page({ last: 9, before: at(n) })).toEqual({
          rows: ids.slice(0, n),
          hasNextPage: true,
          hasPreviousPage: false,
        })
      }
      expect((await page({ first: 2, after: at(0), before: at(3) })).rows).toEqual(ids.slice(1, 3))
    },
  )

  it.each(orders)('pages by $field $direction stay exact while rows come, go and change', async (orderBy) => {
    const random = uniform(fields.indexOf(orderBy.field) * 2 + directions.indexOf(orderBy.direction) + 1)
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
    const collection = `moving ${orderBy.field} ${orderBy.direction}`
    const labels = () => ({
      name: pick(['a', 'b 2', 'B 10', 'ä', 'c']),
      takenAt: random() < 0.3 ? null : new Date(Date.UTC(2020, 0, 1 + Math.floor(random() * 5))),
    })
    const addOne = () => add({ collections: [collection], bytes: 1 + Math.floor(random() * 4), ...labels() })
    const there = new Map<string, AssetRow>()
    for (let n = 0; n < 60; n++) {
      const row = await addOne()
      there.set(row.id, row)
    }
    const where = { collections: [collection] }
    /** Rows that nothing has touched since the first page. */
    const untouched = new Set(there.keys())
    const seen: string[] = []
    const backwards = random() < 0.5
    let place: AssetPosition | null = null
    for (let more = true; more; ) {
      const size = 1 + Math.floor(random() * 9)
      const page: Awaited<ReturnType<typeof db.assets.page>> = await db.assets.page({
        where,
        orderBy,
        ...(backwards ? { last: size, before: place } : { first: size, after: place }),
      })
      const ids = page.rows.map(({ id }) => id)
      if (backwards) seen.unshift(...ids)
      else seen.push(...ids)
      const end: AssetRow | undefined = backwards ? page.rows[0] : page.rows.at(-1)
      if (end) place = positionOf(end, orderBy)
      more = backwards ? page.hasPreviousPage : page.hasNextPage
      await addOne()
      const ids60 = [...there.keys()]
      const gone = pick(ids60)
      await db.assets.delete([gone])
      there.delete(gone)
      untouched.delete(gone)
      const changed = pick(ids60)
      // A change of tags moves a row in the order of changes alone.
      const patch = random() < 0.5 ? { tags: [`t${random()}`] } : labels()
      await db.assets.update(changed, patch)
      if (orderBy.field === 'UPDATED' || !('tags' in patch)) untouched.delete(changed)
    }
    const kept = seen.filter((id) => untouched.has(id))
    expect(new Set(kept).size).toBe(kept.length)
    expect(new Set(kept)).toEqual(untouched)
    const { rows } = await db.assets.page({ where, orderBy, first: 200 })
    const order = rows.map(({ id }) => id).filter((id) => untouched.has(id))
    expect(kept).toEqual(order)
  })
})
