/** Who fills a queue, and the fraction of it that this caller may fill: above 0, at most 1. */
export interface QueueUser {
  id: string
  share: number
}

/** Places of a queue that are taken, in all and by each caller. Work of no caller counts in all alone. */
export class Occupancy {
  #taken = 0
  readonly #byCaller = new Map<string, number>()

  get taken(): number {
    return this.#taken
  }

  /**
   * Whether `count` more pass the limit of the queue or the caller's share of it. An idle queue, or caller, takes any
   * number: a request larger than the limit would never be answered otherwise.
   */
  exceeds(limit: number, count: number, user?: QueueUser): boolean {
    if (this.#taken > 0 && this.#taken + count > limit) return true
    const own = user ? (this.#byCaller.get(user.id) ?? 0) : 0
    return user !== undefined && own > 0 && own + count > Math.max(1, Math.floor(limit * user.share))
  }

  take(count: number, user?: QueueUser): void {
    this.#taken += count
    if (user) this.#byCaller.set(user.id, (this.#byCaller.get(user.id) ?? 0) + count)
  }

  release(count: number, user?: QueueUser): void {
    this.#taken -= count
    if (!user) return
    const own = (this.#byCaller.get(user.id) ?? 0) - count
    if (own > 0) this.#byCaller.set(user.id, own)
    else this.#byCaller.delete(user.id)
  }
}
