/** This server's hold on a run, kept up while it works at it. */
import type { Log } from '../../log.ts'
import type { RunStore } from './run-store.ts'

export interface RunLeaseOptions {
  store: RunStore
  id: string
  /** Milliseconds after which a lease that is not renewed is free for other servers. */
  ms: number
  log: Log
  onLost(): void
  /** Somebody asked for a stop, perhaps on another server. */
  onStopRequested(): void
}

export class RunLease {
  readonly #options: RunLeaseOptions
  readonly #timer: NodeJS.Timeout
  #released = false
  #isFailing = false

  private constructor(options: RunLeaseOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#renew(), options.ms / 3).unref()
  }

  /** Null when another server holds the run. */
  static async claim(options: RunLeaseOptions): Promise<RunLease | null> {
    return (await options.store.claim(options.id, options.ms)) ? new RunLease(options) : null
  }

  async release(): Promise<void> {
    const { store, id, log } = this.#options
    this.#released = true
    clearInterval(this.#timer)
    // A lease that could not be given back expires.
    await store.release(id).catch((err) => log.warn({ run: id, err }, 'could not release a drawing'))
  }

  async #renew(): Promise<void> {
    const { store, id, ms, log, onLost, onStopRequested } = this.#options
    try {
      const held = await store.renew(id, ms)
      this.#isFailing = false
      if (this.#released) return
      if (!held) onLost()
      else if (held.stopRequested) onStopRequested()
    } catch (err) {
      // The next renewal may still be in time; if not, the store refuses what this server saves.
      if (!this.#isFailing) log.warn({ run: id, err }, 'could not renew the lease of a drawing')
      this.#isFailing = true
    }
  }
}
