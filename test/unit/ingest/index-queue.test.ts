import { expect, it } from 'vitest'
import type { AssetRow } from '../../../prisma/types.ts'
import { IndexQueue } from '../../../workers/ingest/index-queue.ts'

const asset = (id: string) => ({ id }) as AssetRow
const ids = (rows: readonly AssetRow[]) => rows.map(({ id }) => id)

/** A queue over a table of missing assets. */
function queueOver(...missing: string[]) {
  const table = new Set(missing)
  const queue = new IndexQueue(async (limit, after) =>
    [...table]
      .sort()
      .filter((id) => after === null || id > after)
      .slice(0, limit)
      .map(asset),
  )
  return { queue, table }
}

it('the queue sweeps up what is missing and hands none out twice at a time', async () => {
  const { queue, table } = queueOver('a', 'b', 'c')
  const first = await queue.take(2)
  expect(ids(first)).toEqual(['a', 'b'])
  queue.offer(asset('a'))
  queue.offer(asset('d'))
  expect(ids(await queue.take(9))).toEqual(['c', 'd'])
  expect(queue.empty).toBe(false)
  table.clear()
  queue.ack(['b', 'c', 'd'].map(asset), [])
  queue.ack([asset('a')], [])
  // It was offered while it was out, perhaps because it changed.
  expect(ids(await queue.take(9))).toEqual(['a'])
  queue.ack([asset('a')], [])
  expect(queue.empty).toBe(true)
})

it('more than a sweep of missing assets is handed out whole', async () => {
  const all = Array.from({ length: 1300 }, (_, n) => `asset ${String(n).padStart(4, '0')}`)
  const { queue } = queueOver(...all)
  const seen: string[] = []
  for (;;) {
    const page = await queue.take(100)
    if (page.length === 0) break
    seen.push(...ids(page))
  }
  expect(seen).toEqual(all)
})

it('an asset that was given up comes again only when it is offered', async () => {
  const { queue } = queueOver('a', 'b')
  queue.ack(await queue.take(9), ['a'])
  queue.nack([])
  expect(ids(await queue.take(9))).toEqual(['b'])
  queue.offer(asset('a'))
  expect(ids(await queue.take(9))).toEqual(['a'])
})

it('a page that failed is swept up again where it is still missing', async () => {
  const { queue, table } = queueOver('a', 'b')
  const page = await queue.take(9)
  table.delete('a')
  queue.nack(page)
  expect(ids(await queue.take(9))).toEqual(['b'])
})

it('deferred assets keep the queue from being empty, and are swept up after a recall where they are still missing', async () => {
  const { queue, table } = queueOver('a', 'b')
  queue.defer(await queue.take(9))
  expect(await queue.take(9)).toEqual([])
  expect(queue.empty).toBe(false)
  table.delete('a')
  queue.recall()
  const page = await queue.take(9)
  expect(ids(page)).toEqual(['b'])
  queue.ack(page, [])
  expect(queue.empty).toBe(true)
})

it('a refill holds assets that the queue never heard of, and none that are out or given up', async () => {
  const { queue, table } = queueOver('a', 'b')
  queue.ack(await queue.take(9), ['b'])
  table.delete('a')
  await queue.take(9)
  expect(queue.empty).toBe(true)
  table.add('c')
  await queue.refill()
  expect(queue.empty).toBe(false)
  expect(ids(await queue.take(9))).toEqual(['c'])
  await queue.refill()
  expect(ids(await queue.take(9))).toEqual([])
})
