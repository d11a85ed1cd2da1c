import { describe, expect, it } from 'vitest'
import { BatchQueue, bulkDelayMs, type Queued } from '../../../workers/runtime/queue.ts'

interface Work extends Queued {
  name: string
}

const work = (name: string, since: number, more: Partial<Work> = {}): Work => ({
  name,
  bucket: 'a',
  priority: 'interactive',
  since,
  hasWaiters: () => true,
  ...more,
})

const names = (batch: Work[]) => batch.map(({ name }) => name)

function filled(...items: Work[]): BatchQueue<Work> {
  const queue = new BatchQueue<Work>()
  for (const item of items) queue.push(item)
  return queue
}

describe('a batch', () => {
  it('a batch is whatever waits, in order of arrival, up to its size', () => {
    const queue = filled(work('1', 1), work('2', 2), work('3', 3))
    expect(names(queue.take(2))).toEqual(['1', '2'])
    expect(names(queue.take(2))).toEqual(['3'])
    expect(queue.take(2)).toEqual([])
    expect(queue.length).toBe(0)
  })

  it('a batch holds work of one bucket, that of the oldest work', () => {
    const queue = filled(
      work('short 1', 2),
      work('long 1', 1, { bucket: '77' }),
      work('short 2', 3),
      work('long 2', 4, { bucket: '77' }),
    )
    expect(names(queue.take(9))).toEqual(['long 1', 'long 2'])
    expect(names(queue.take(9))).toEqual(['short 1', 'short 2'])
  })

  it('a batch passes over work without waiters, behind other work too', () => {
    const gone = { hasWaiters: () => false }
    const queue = filled(work('1', 1, gone), work('2', 2), work('3', 3, gone), work('4', 4))
    expect(names(queue.take(9))).toEqual(['2', '4'])
    expect(queue.length).toBe(0)
  })
})

describe('bulk work', () => {
  const bulk = { priority: 'bulk' } as const

  it('bulk work yields to interactive work that came later', () => {
    const queue = filled(work('bulk', 0, bulk), work('asked', bulkDelayMs - 1))
    expect(names(queue.take(1))).toEqual(['asked'])
  })

  it('bulk work goes first once it has waited long enough', () => {
    const queue = filled(work('bulk', 0, bulk), work('asked', bulkDelayMs + 1))
    expect(names(queue.take(1))).toEqual(['bulk'])
  })

  it('bulk work does not starve under interactive work that never ends', () => {
    const queue = filled(work('bulk', 0, bulk))
    for (let now = 0; now <= 2 * bulkDelayMs; now += 100) {
      queue.push(work(String(now), now))
      if (names(queue.take(1))[0] === 'bulk') {
        expect(now).toBeGreaterThanOrEqual(bulkDelayMs)
        return
      }
    }
    expect.unreachable('the bulk work was never taken')
  })

  it('bulk work of another bucket is chosen by the same ages', () => {
    const queue = filled(work('bulk', 0, { ...bulk, bucket: 'b' }), work('asked', 10))
    expect(names(queue.take(9))).toEqual(['asked'])
    expect(names(queue.take(9))).toEqual(['bulk'])
  })
})

it('drain empties the queue, of work with and without waiters', () => {
  const queue = filled(work('1', 1), work('2', 2, { hasWaiters: () => false, bucket: 'b' }))
  expect(names(queue.drain())).toEqual(['1', '2'])
  expect(queue.length).toBe(0)
})
