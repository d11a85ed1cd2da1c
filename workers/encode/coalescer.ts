import { ItemError } from '../errors.ts'
import type { Priority } from '../runtime/queue.ts'
import type { Encoded } from './encoder.ts'

/** One input being encoded for all who asked for it: identical work in flight is joined. */
export class Job {
  readonly contentHash: string
  readonly priority: Priority
  readonly since = performance.now()
  /** Resolves when there is a result or nobody waits for one any more. */
  readonly settled: Promise<void>
  readonly #result = Promise.withResolvers<Encoded | ItemError>()
  readonly #over = Promise.withResolvers<void>()
  readonly #done: (result: Encoded | Error | null) => void
  #joined = 0
  #settled = false

  /** `done` is called once, with null when everybody left before the work was done. */
  constructor(contentHash: string, priority: Priority, done: (result: Encoded | Error | null) => void) {
    this.contentHash = contentHash
    this.priority = priority
    this.#done = done
    this.settled = this.#over.promise
    this.#result.promise.catch(() => {})
  }

  /** False once everybody has left: what has not begun is not begun. */
  get hasWaiters(): boolean {
    return !this.#settled
  }

  subscribe(): Promise<Encoded | ItemError> {
    this.#joined++
    return this.#result.promise
  }

  unsubscribe(): void {
    this.#joined--
    if (this.#joined === 0 && !this.#settled) {
      this.#settled = true
      this.#done(null)
      this.#over.resolve()
    }
  }

  settle(result: Float32Array | Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#over.resolve()
    if (result instanceof Float32Array) {
      const encoded = { vector: result, contentHash: this.contentHash }
      this.#done(encoded)
      this.#result.resolve(encoded)
    } else {
      this.#done(result)
      if (result instanceof ItemError) this.#result.resolve(result)
      else this.#result.reject(result)
    }
  }
}
