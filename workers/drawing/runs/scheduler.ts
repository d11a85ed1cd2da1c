/** Which run this server works at next: places, and a queue that it shares with other servers through the database. */

export interface SchedulerOptions {
  /** Runs that work at the same time. */
  places: number
  /** Ids of the runs that anybody may work at, the oldest first. */
  list(): Promise<string[]>
  /** Works at a run. False when the run is not over and may be tried again at the next look. Never rejects. */
  work(id: string): Promise<boolean>
  /** Milliseconds between two looks for runs that other servers left. */
  lookEveryMs: number
  /** A look failed; the next may not. */
  onLookFailed(error: unknown): void
}

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #working = new Map<string, Promise<void>>()
  /** In the order in which they come to their turn. */
  #waiting = new Set<string>()
  /** Tried in vain since the last timed look: held by another server, or failed with the database. */
  readonly #putOff = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  get hasFreePlace(): boolean {
    return !this.#closed && this.#working.size < this.#options.places
  }

  /** Runs that wait here or work. */
  get size(): number {
    return this.#waiting.size + this.#working.size
  }

  /** Looks for runs now and, from then on, from time to time. @throws what the first `list` throws */
  async start(): Promise<void> {
    const look = () => {
      this.#putOff.clear()
      this.#look().catch(this.#options.onLookFailed)
    }
    this.#timer ??= setInterval(look, this.#options.lookEveryMs).unref()
    await this.#look()
  }

  /** Works at a run as soon as there is a place for it. */
  add(id: string): void {
    if (!this.#working.has(id)) this.#waiting.add(id)
    this.#fill()
  }

  /** Takes a run that waits out of the queue. */
  remove(id: string): void {
    this.#waiting.delete(id)
  }

  /** Starts no more work; resolves when none is left. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all(this.#working.values())
  }

  async #look(): Promise<void> {
    const before = new Set(this.#waiting)
    const ids = await this.#options.list()
    // Runs that were added meanwhile may be missing from the list.
    const added = [...this.#waiting].filter((id) => !before.has(id))
    const removed = [...before].filter((id) => !this.#waiting.has(id))
    const skipped = new Set([...this.#working.keys(), ...this.#putOff, ...removed])
    this.#waiting = new Set([...ids, ...added].filter((id) => !skipped.has(id)))
    this.#fill()
  }

  #fill(): void {
    for (const id of this.#waiting) {
      if (!this.hasFreePlace) return
      this.#waiting.delete(id)
      this.#working.set(id, this.#work(id))
    }
  }

  async #work(id: string): Promise<void> {
    const over = await this.#options.work(id)
    this.#working.delete(id)
    if (!over) this.#putOff.add(id)
    if (this.#closed) return
    this.#fill()
    this.#look().catch(this.#options.onLookFailed)
  }
}
