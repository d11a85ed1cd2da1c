/** What several benchmarks share: where they keep what is made once, and small helpers. */
import path from 'node:path'

export const store = path.resolve('node_modules/.cache/limn-bench')

export type Log = (line: string) => void

export const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))

export const mb = (megabytes: number) => `${Math.round(megabytes)} MB`

/** Has the given number of callers work through the items, each taking the next when done; seconds it took. */
export async function inParallel<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now()
  let next = 0
  const caller = async () => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: count }, caller))
  return (performance.now() - begun) / 1000
}

/** Tries each batch size on the same items and answers the fastest. */
export async function bestBatch<T>(
  what: string,
  sizes: readonly number[],
  items: readonly T[],
  run: (batch: T[]) => Promise<void>,
  log: Log,
): Promise<number> {
  const rates: [number, number][] = []
  for (const size of sizes) {
    await run(items.slice(0, size))
    rates.push([size, items.length / (await inParallel(chunks(items, size), 1, run))])
  }
  log(`${what}, items a second by batch: ${rates.map(([n, rate]) => `${n}: ${rate.toFixed(1)}`).join(', ')}`)
  return rates.reduce((best, next) => (next[1] > best[1] ? next : best))[0]
}
