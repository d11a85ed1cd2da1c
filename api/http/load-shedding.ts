import type { ServerResponse } from 'node:http'
import { Overloaded } from '../../workers/errors.ts'
import { Occupancy, type QueueUser } from '../../workers/runtime/occupancy.ts'

/** How long a caller who is turned away here should wait: about as long as a full queue takes to empty. */
const retryAfterMs = 500

export interface Queue {
  waiting: number
  limit: number
}

/**
 * Turns requests away before anything of them is read, at a tenth of the cost of parsing and executing them: in a burst
 * that difference keeps the answers quick.
 *
 * - The encoder's queue is full and at least as many requests are under way as it has places: the next one would
 *   be refused too. (Where a few large requests fill the queue, those that need no encoding still pass.)
 * - Twice as many are under way as the queue has places: the bound on memory.
 *
 * The same holds for each caller and its share of the places.
 */
export class LoadShedder {
  readonly #queue: () => Queue
  readonly #inFlight = new Occupancy()

  constructor(queue: () => Queue) {
    this.#queue = queue
  }

  /** Counts a request until its answer is out. @throws Overloaded */
  admit(res: ServerResponse, caller: QueueUser): void {
    const { waiting, limit } = this.#queue()
    if (waiting >= limit && this.#inFlight.exceeds(limit, 1, caller))
      throw Overloaded.queue(retryAfterMs, { waiting, limit })
    const max = Math.max(64, 2 * limit)
    if (this.#inFlight.exceeds(max, 1, caller))
      throw new Overloaded(
        `The server is answering ${this.#inFlight.taken} requests and takes no more than ${max}. Try again in ${retryAfterMs} ms.`,
        { retryAfterMs },
      )
    this.#inFlight.take(1, caller)
    res.once('close', () => this.#inFlight.release(1, caller))
  }
}
