/** Whether somebody waits for the work (`interactive`) or nobody does (`bulk`: indexing, drawing). */
export type Priority = 'interactive' | 'bulk'

/** What a queue needs to know of a piece of work. */
export interface Queued {
  /** A batch holds work of one bucket only. */
  bucket: string
  priority: Priority
  /** Milliseconds; when it began to wait. */
  since: number
  /** False once nobody waits for the result any more: the queue drops it instead of handing it out. */
  hasWaiters(): boolean
}

/** Bulk work counts as having arrived this much later: it yields to callers, but not for longer than this. */
export const bulkDelayMs = 2000

interface Bucket<T> {
  interactive: T[]
  bulk: T[]
}

/**
 * Work waiting for one session. There is no timer: a batch is whatever piled up while the session was busy. The queue
 * starts a batch with the work that waited longest, bulk work counted as younger than it is, and fills it from that
 * work's bucket.
 */
export class BatchQueue<T extends Queued> {
  readonly #buckets = new Map<string, Bucket<T>>()
  #length = 0

  get length(): number {
    return this.#length
  }

  push(work: T): void {
    const bucket = this.#buckets.get(work.bucket) ?? { interactive: [], bulk: [] }
    this.#buckets.set(work.bucket, bucket)
    bucket[work.priority].push(work)
    this.#length++
  }

  /**
   * At most `max` pieces of work of the bucket whose turn it is, oldest first. Empty when nothing waits, or when fewer
   * than `min` wait in that bucket.
   */
  take(max: number, min = 1): T[] {
    const bucket = this.#oldestBucket()
    if (!bucket || bucket.interactive.length + bucket.bulk.length < min) return []
    const batch: T[] = []
    while (batch.length < max) {
      const list = this.#nextList(bucket)
      if (!list) break
      batch.push(list.shift()!)
      this.#length--
    }
    return batch
  }

  /** Empties the queue and returns all that was in it, with and without waiters. */
  drain(): T[] {
    const all = [...this.#buckets.values()].flatMap(({ interactive, bulk }) => [...interactive, ...bulk])
    this.#buckets.clear()
    this.#length = 0
    return all
  }

  #oldestBucket(): Bucket<T> | null {
    let oldest: Bucket<T> | null = null
    let oldestArrival = Number.POSITIVE_INFINITY
    for (const [name, bucket] of this.#buckets) {
      const list = this.#nextList(bucket)
      if (!list) {
        this.#buckets.delete(name)
        continue
      }
      const arrival = arrivalOf(list[0]!)
      if (arrival < oldestArrival) [oldest, oldestArrival] = [bucket, arrival]
    }
    return oldest
  }

  /** The list whose first work goes next, after dropping work without waiters from the heads of both. */
  #nextList({ interactive, bulk }: Bucket<T>): T[] | null {
    for (const list of [interactive, bulk])
      while (list.length > 0 && !list[0]!.hasWaiters()) {
        list.shift()
        this.#length--
      }
    if (interactive.length === 0) return bulk.length > 0 ? bulk : null
    if (bulk.length === 0) return interactive
    return arrivalOf(interactive[0]!) <= arrivalOf(bulk[0]!) ? interactive : bulk
  }
}

const arrivalOf = ({ since, priority }: Queued) => since + (priority === 'bulk' ? bulkDelayMs : 0)
