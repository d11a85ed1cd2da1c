/**
 * Keeps a producer from running far ahead of its consumers. Both hold it: a consumer tracks its queue and says when it
 * took something out, the producer begins nothing while there is no room and resumes when there may be some again.
 */
export class Backpressure {
  readonly #limit: number
  readonly #queues = new Set<() => number>()
  #resume: () => void = () => {}

  /** `limit`: items that may wait in all tracked queues together. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get hasRoom(): boolean {
    let waiting = 0
    for (const length of this.#queues) waiting += length()
    return waiting < this.#limit
  }

  /** The producer's: `resume` is called whenever there may be room again. */
  onRoom(resume: () => void): void {
    this.#resume = resume
  }

  /** A consumer's: counts its queue until the function returned is called. */
  track(length: () => number): () => void {
    this.#queues.add(length)
    return () => {
      this.#queues.delete(length)
      this.#resume()
    }
  }

  /** A consumer's: it took something out of a tracked queue. */
  dequeued(): void {
    this.#resume()
  }
}
