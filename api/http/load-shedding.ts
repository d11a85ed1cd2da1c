import type { ServerResponse } from 'node:http'
import { Overloaded } from '../../workers/errors.ts'

/** What a caller who is turned away here should wait: about as long as a full queue takes to empty. */
const retryAfterMs = 500

export interface Queue {
  waiting: number
  limit: number
}

/**
 * Turns requests away before anything of them is read, at a tenth of what parsing and executing would cost: in a
 * burst that difference is what keeps the answers quick.
 *
 * - The encoder's queue is full and at least as many requests are under way as it has places: the next one would
 *   be refused too. (Where a few large requests fill the queue, those that need no encoding still pass.)
 * - Twice as many are under way as the queue has places: the bound on memory.
 */
export function createAdmission(queue: () => Queue): (res: ServerResponse) => void {
  let inFlight = 0
  return (res) => {
    const { waiting, limit } = queue()
    if (waiting >= limit && inFlight >= limit) throw Overloaded.queue(retryAfterMs, { waiting, limit })
    const most = Math.max(64, 2 * limit)
    if (inFlight >= most)
      throw new Overloaded(
        `The server is answering ${inFlight} requests and takes no more than ${most}. Try again in ${retryAfterMs} ms.`,
        { retryAfterMs },
      )
    inFlight++
    res.once('close', () => {
      inFlight--
    })
  }
}
