/**
 * One at a time over all threads of the process. ONNX Runtime's WebGPU provider has one device for the whole process and
 * is not safe to be used from two threads at once: it crashes.
 */
export class DeviceMutex {
  readonly #state: Int32Array
  #last: Promise<unknown> = Promise.resolve()

  constructor(shared: SharedArrayBuffer) {
    this.#state = new Int32Array(shared)
  }

  static readonly bytes = 4

  /** Waits for the thread's own work, then blocks the thread until it is its turn: only for threads that may be blocked. */
  runExclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#alone(work))
    this.#last = result.catch(() => {})
    return result
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    while (Atomics.compareExchange(this.#state, 0, 0, 1) !== 0) Atomics.wait(this.#state, 0, 1)
    try {
      return await work()
    } finally {
      Atomics.store(this.#state, 0, 0)
      Atomics.notify(this.#state, 0, 1)
    }
  }
}
