import { Overloaded } from '../errors.ts'

/** How much work is let in: items admitted and not yet answered, against a limit. */
export class Admission {
  readonly limit: number
  #waiting = 0
  /** Items a second, measured over the last seconds; what a caller is told to wait follows from it. */
  #rate = 20
  #left = 0
  #since = performance.now()

  constructor(limit: number) {
    this.limit = limit
  }

  get waiting(): number {
    return this.#waiting
  }

  /**
   * Says no early, where the queue is full: an idle encoder takes any number, a busy one what fits. `costly`: looking
   * whether the inputs are in the cache costs more than a little.
   * @throws Overloaded
   */
  check(items: number, costly: boolean): void {
    if (costly && this.#waiting >= this.limit) throw this.#overloaded(items)
  }

  /** All or nothing. @throws Overloaded */
  enter(items: number): void {
    if (items > 0 && this.#waiting > 0 && this.#waiting + items > this.limit) throw this.#overloaded(items)
    this.#waiting += items
  }

  leave(items: number): void {
    this.#waiting -= items
    this.#left += items
    const seconds = (performance.now() - this.#since) / 1000
    if (seconds < 1) return
    this.#rate = Math.max(0.5, 0.5 * this.#rate + (0.5 * this.#left) / seconds)
    this.#left = 0
    this.#since = performance.now()
  }

  #overloaded(items: number): Overloaded {
    const ahead = Math.min(this.#waiting, this.limit) + items - this.limit
    const ms = Math.ceil((1000 * Math.max(1, ahead, this.#waiting / 2)) / this.#rate)
    return Overloaded.queue(Math.min(30_000, Math.max(50, ms)), { waiting: this.#waiting, limit: this.limit })
  }
}
