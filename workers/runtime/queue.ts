/** Whether somebody waits for the work or nobody does (indexing, drawing). */
export type Priority = 'interactive' | 'bulk'

/** What a queue needs to know of a piece of work. */
export interface Queued {
  /** Only work of one bucket shares a batch. */
  bucket: string
  priority: Priority
  /** Milliseconds; when it began to wait. */
  since: number
  /** False once nobody waits for it any more: it is dropped instead of run. */
  hasWaiters(): boolean
}

/** Bulk work counts as having arrived this much later: it yields, but after this long it goes first. */
export const bulkDelayMs = 2000

/**
 * Work waiting for one session. The batch is whatever has piled up while the session was busy: no timer. Batches begin
 * with the work that has waited longest, bulk work counted as younger than it is, and are filled from its bucket.
 */
export class BatchQueue<T extends Queued> {
  readonly #buckets = new Map<string, { interactive: T[]; bulk: T[] }>()
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
   * At most `most` of one bucket, in order of age; empty when nothing is wanted, or fewer than `least` wait in the bucket
   * whose turn it is. What nobody wants is dropped.
   */
  take(max: number, min = 1): T[] {
    let oldest: { bucket: string; age: number } | undefined
    for (const [bucket, lists] of this.#buckets) {
      const next = this.#next(lists)
      if (!next) {
        this.#buckets.delete(bucket)
        continue
      }
      const age = arrival(next[0]!)
      if (!oldest || age < oldest.age) oldest = { bucket, age }
    }
    if (!oldest) return []
    const lists = this.#buckets.get(oldest.bucket)!
    if (lists.interactive.length + lists.bulk.length < min) return []
    const batch: T[] = []
    while (batch.length < max) {
      const next = this.#next(lists)
      if (!next) break
      batch.push(next.shift()!)
      this.#length--
    }
    return batch
  }

  /** Takes everything out, wanted or not. */
  drain(): T[] {
    const all = [...this.#buckets.values()].flatMap(({ interactive, bulk }) => [...interactive, ...bulk])
    this.#buckets.clear()
    this.#length = 0
    return all
  }

  /** The list whose head goes next, after dropping what nobody wants from both heads. */
  #next({ interactive, bulk }: { interactive: T[]; bulk: T[] }): T[] | undefined {
    for (const list of [interactive, bulk])
      while (list.length > 0 && !list[0]!.hasWaiters()) {
        list.shift()
        this.#length--
      }
    if (interactive.length === 0) return bulk.length > 0 ? bulk : undefined
    if (bulk.length === 0) return interactive
    return arrival(interactive[0]!) <= arrival(bulk[0]!) ? interactive : bulk
  }
}

const arrival = ({ since, priority }: Queued) => since + (priority === 'bulk' ? bulkDelayMs : 0)
