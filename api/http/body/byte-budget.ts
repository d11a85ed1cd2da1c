import { Overloaded } from '../../../workers/errors.ts'
import { Occupancy, type QueueUser } from '../../../workers/runtime/occupancy.ts'

/** About the time that a large request takes. */
const retryAfterMs = 1000

/** The bytes that one request holds. */
export interface ByteHold {
  /** @throws Overloaded where the server, or the caller's share of it, has no room for so many more */
  take(bytes: number): void
  give(bytes: number): void
  /** Gives everything back; later takes count for nothing. */
  close(): void
}

/** Bytes of bodies and fetched images that all requests together may hold. */
export class ByteBudget {
  readonly #limit: number
  readonly #held = new Occupancy()

  constructor(limit: number) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held.taken
  }

  open(caller: QueueUser): ByteHold {
    let own = 0
    let open = true
    const give = (bytes: number) => {
      if (!open) return
      own -= bytes
      this.#held.release(bytes, caller)
    }
    return {
      take: (bytes) => {
        if (!open) return
        if (this.#held.exceeds(this.#limit, bytes, caller))
          throw new Overloaded(
            `The server holds ${this.#held.taken} bytes of requests and takes no more than ${this.#limit}. Try again in ${retryAfterMs} ms.`,
            { retryAfterMs, limit: this.#limit },
          )
        own += bytes
        this.#held.take(bytes, caller)
      },
      give,
      close: () => {
        give(own)
        open = false
      },
    }
  }
}
