import { ItemError } from '../errors.ts'
import type { Priority } from '../runtime/queue.ts'
import type { StageSeconds } from '../runtime/stages.ts'
import type { Encoded } from './encoder.ts'

export interface JobOptions {
  contentHash: string
  priority: Priority
  /** Called once; with null when every subscriber left before there was a result. */
  onDone(result: Encoded | Error | null): void
}

/** One input that is being encoded, for all calls that need it. */
export class Job {
  readonly priority: Priority
  /** Milliseconds: the time of the first call. */
  readonly since = performance.now()
  /** Resolves when there is a result, or every subscriber has left. */
  readonly settled: Promise<void>
  readonly #options: JobOptions
  readonly #result = Promise.withResolvers<Encoded | ItemError>()
  readonly #settled = Promise.withResolvers<void>()
  #subscribers = 0
  #isSettled = false
  #stages: StageSeconds | null = null

  constructor(options: JobOptions) {
    this.#options = options
    this.priority = options.priority
    this.settled = this.#settled.promise
    this.#result.promise.catch(() => {})
  }

  /** False once every subscriber has left: work that has not begun does not begin. */
  get hasWaiters(): boolean {
    return !this.#isSettled
  }

  /** Null until the input is encoded. */
  get stages(): StageSeconds | null {
    return this.#stages
  }

  subscribe(): Promise<Encoded | ItemError> {
    this.#subscribers++
    return this.#result.promise
  }

  unsubscribe(): void {
    this.#subscribers--
    if (this.#subscribers > 0 || this.#isSettled) return
    this.#isSettled = true
    this.#options.onDone(null)
    this.#settled.resolve()
  }

  settle(result: Float32Array | Error, stages: StageSeconds | null = null): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#stages = stages
    this.#settled.resolve()
    const { contentHash, onDone } = this.#options
    const outcome = result instanceof Error ? result : { vector: result, contentHash }
    onDone(outcome)
    if (outcome instanceof Error && !(outcome instanceof ItemError)) this.#result.reject(outcome)
    else this.#result.resolve(outcome)
  }
}
