import { Overloaded } from '../errors.ts'
import { Occupancy, type QueueUser } from './occupancy.ts'

/** Lets work in or turns it away at once, by the items that are admitted and not yet answered. */
export class Admission {
  readonly limit: number
  readonly #occupancy = new Occupancy()
  /** Items answered a second, measured over the last seconds; how long a caller should wait follows from it. */
  #rate = 20
  #left = 0
  #since = performance.now()

  constructor(limit: number) {
    this.limit = limit
  }

  get waiting(): number {
    return this.#occupancy.taken
  }

  /**
   * Turns a call away before its inputs are looked at. `costly`: looking whether they are cached takes time, as hashing
   * images does. An idle encoder takes any number.
   * @throws Overloaded when the queue is full
   */
  check(items: number, costly: boolean, user?: QueueUser): void {
    if (costly && this.#occupancy.exceeds(this.limit, 1, user)) throw this.#overloaded(items)
  }

  /** Lets all of a call's items in, or none. @throws Overloaded */
  enter(items: number, user?: QueueUser): void {
    if (items > 0 && this.#occupancy.exceeds(this.limit, items, user)) throw this.#overloaded(items)
    this.#occupancy.take(items, user)
  }

  leave(items: number, user?: QueueUser): void {
    this.#occupancy.release(items, user)
    this.#left += items
    const seconds = (performance.now() - this.#since) / 1000
    if (seconds < 1) return
    this.#rate = Math.max(0.5, 0.5 * this.#rate + (0.5 * this.#left) / seconds)
    this.#left = 0
    this.#since = performance.now()
  }

  #overloaded(items: number): Overloaded {
    const { waiting, limit } = this
    const ahead = Math.min(waiting, limit) + items - limit
    const ms = Math.ceil((1000 * Math.max(1, ahead, waiting / 2)) / this.#rate)
    return Overloaded.queue(Math.min(30_000, Math.max(50, ms)), { waiting, limit })
  }
}
