import { afterEach, expect, it } from 'vitest'
import { Scheduler } from '../../../workers/drawing/runs/scheduler.ts'

/** The database and the work of a scheduler, in the test's hand. */
class Bench {
  readonly scheduler: Scheduler
  free: string[] = []
  begun: string[] = []
  failed = 0
  readonly #ends = new Map<string, (over: boolean) => void>()

  constructor(places: number, lookEveryMs = 1e6) {
    this.scheduler = new Scheduler({
      places,
      lookEveryMs,
      list: async () => [...this.free],
      work: (id) => {
        this.begun.push(id)
        return new Promise((resolve) => this.#ends.set(id, resolve))
      },
      onLookFailed: () => this.failed++,
    })
  }

  async end(id: string, over = true): Promise<void> {
    if (over) this.free = this.free.filter((other) => other !== id)
    this.#ends.get(id)!(over)
    this.#ends.delete(id)
    await settled()
  }

  endAll(): void {
    for (const end of this.#ends.values()) end(true)
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5))
let bench: Bench
afterEach(async () => {
  const closed = bench.scheduler.close()
  bench.endAll()
  await closed
})

it('a scheduler begins with the oldest runs, as many as it has places', async () => {
  bench = new Bench(2)
  bench.free = ['1', '2', '3']
  await bench.scheduler.start()
  expect(bench.begun).toEqual(['1', '2'])
  expect(bench.scheduler.size).toBe(3)
  await bench.end('1')
  expect(bench.begun).toEqual(['1', '2', '3'])
})

it('a scheduler works at an added run at once where it has a place, and else after those before it', async () => {
  bench = new Bench(1)
  for (const id of ['1', '2', '3']) {
    bench.free.push(id)
    bench.scheduler.add(id)
  }
  expect(bench.begun).toEqual(['1'])
  expect(bench.scheduler.hasFreePlace).toBe(false)
  await bench.end('1')
  await bench.end('2')
  expect(bench.begun).toEqual(['1', '2', '3'])
})

it('a scheduler does not begin a run that was removed', async () => {
  bench = new Bench(1)
  bench.scheduler.add('1')
  bench.scheduler.add('2')
  bench.scheduler.remove('2')
  expect(bench.scheduler.size).toBe(1)
  await bench.end('1')
  expect(bench.begun).toEqual(['1'])
})

it('a scheduler finds what other servers left when a run of its own has ended', async () => {
  bench = new Bench(1)
  bench.scheduler.add('1')
  bench.free = ['0', '1']
  await bench.end('1')
  expect(bench.begun).toEqual(['1', '0'])
})

it('a run that was tried in vain is tried again at the next timed look, not before', async () => {
  bench = new Bench(1, 60)
  bench.free = ['1']
  await bench.scheduler.start()
  await bench.end('1', false)
  expect(bench.begun).toEqual(['1'])
  await new Promise((resolve) => setTimeout(resolve, 120))
  expect(bench.begun).toEqual(['1', '1'])
})

it('a scheduler that is closed waits for its work and begins no more', async () => {
  bench = new Bench(1)
  bench.scheduler.add('1')
  bench.scheduler.add('2')
  let closed = false
  const closing = bench.scheduler.close().then(() => {
    closed = true
  })
  await settled()
  expect(closed).toBe(false)
  await bench.end('1')
  await closing
  expect(bench.begun).toEqual(['1'])
})
