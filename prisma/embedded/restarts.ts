/** When a database process that died is started again, and when no longer. */

export interface RestartLimits {
  /** Restarts within the window; one more death is final. */
  max: number
  windowMs: number
}

export const defaultRestartLimits: RestartLimits = { max: 5, windowMs: 600_000 }

const firstPauseMs = 500
const maxPauseMs = 30_000

export class Restarts {
  readonly #limits: RestartLimits
  #times: number[] = []

  constructor(limits: RestartLimits) {
    this.#limits = limits
  }

  /** Milliseconds until the next start: none for the first within the window, then growing. Null when it was one too many. */
  next(now = performance.now()): number | null {
    const { max, windowMs } = this.#limits
    this.#times = this.#times.filter((time) => now - time < windowMs)
    const earlier = this.#times.length
    if (earlier >= max) return null
    this.#times.push(now)
    return earlier === 0 ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (earlier - 1))
  }
}
