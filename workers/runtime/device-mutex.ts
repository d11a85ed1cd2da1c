/**
 * Lets one thread of the process at a time use a device. ONNX Runtime's WebGPU provider has one device for the whole
 * process and crashes when two threads use it at once.
 */
export class DeviceMutex {
  readonly #state: Int32Array
  /** This thread's work, one piece after the other. */
  #last: Promise<unknown> = Promise.resolve()

  /** Size of the shared buffer. */
  static readonly bytes = 4

  /** `shared` is the same buffer in every thread. */
  constructor(shared: SharedArrayBuffer) {
    this.#state = new Int32Array(shared)
  }

  /** Blocks the thread while another one holds the device: only for threads that may be blocked. */
  runExclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#locked(work))
    this.#last = result.catch(() => {})
    return result
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    while (Atomics.compareExchange(this.#state, 0, 0, 1) !== 0) Atomics.wait(this.#state, 0, 1)
    try {
      return await work()
    } finally {
      Atomics.store(this.#state, 0, 0)
      Atomics.notify(this.#state, 0, 1)
    }
  }
}

/** The lock of this process: the main thread hands it to every session whose provider serves one thread at a time. */
export const sharedDeviceLock = new SharedArrayBuffer(DeviceMutex.bytes)
