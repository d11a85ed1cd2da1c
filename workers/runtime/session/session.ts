import { Worker } from 'node:worker_threads'
import { fromWire } from '../wire-errors.ts'
import type { SessionReply } from './session-protocol.ts'

/** A session's thread ended before an input was done. */
export class SessionDied extends Error {
  override readonly name = 'SessionDied'
  /** Whether the thread had begun the input: one that waited for its turn is not to blame. */
  readonly begun: boolean
  constructor(reason: string, begun: boolean) {
    super(reason)
    this.begun = begun
  }
}

/** A session's output for one input, and the seconds it took. */
export interface Ran<Output> {
  output: Output
  seconds: number
}

/** An ONNX session in a thread of its own: one tower of a model, or its gradient. */
export class Session<Input, Output, Ready> {
  readonly ready: Ready
  readonly #worker: Worker
  readonly #running = new Map<number, (reply: Ran<Output> | Error) => void>()
  #next = 0
  #closed = false
  /** Called when the last run has ended. */
  #idle: (() => void) | null = null

  private constructor(worker: Worker, ready: Ready) {
    this.#worker = worker
    this.ready = ready
    worker.on('message', (reply: SessionReply<Output, Ready>) => {
      if (!('id' in reply)) return
      const settle = this.#running.get(reply.id)
      this.#running.delete(reply.id)
      settle?.('error' in reply ? fromWire(reply.error) : reply)
      if (this.#running.size === 0) this.#idle?.()
    })
    worker.on('error', (error) => this.#die(error.message))
    worker.on('exit', (code) => this.#die(`exit code ${code}`))
  }

  /** `thread` is the file that the thread runs. @throws what the thread throws while it loads, e.g. ONNX Runtime's error */
  static load<Input, Output, Ready>(thread: URL, settings: unknown): Promise<Session<Input, Output, Ready>> {
    const worker = new Worker(thread, { workerData: settings })
    return new Promise((resolve, reject) => {
      // Once the session is ready its own listeners take over, and these reject a settled promise.
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the thread of the session ended')))
      worker.once('message', (reply: SessionReply<Output, Ready>) => {
        if ('ready' in reply) return resolve(new Session(worker, reply.ready))
        void worker.terminate()
        reject('failed' in reply ? fromWire(reply.failed) : new Error('unexpected reply'))
      })
    })
  }

  get alive(): boolean {
    return !this.#closed
  }

  /** Copies the input to the thread, so that it can be run again elsewhere. @throws SessionDied, what the run throws */
  run(input: Input): Promise<Ran<Output>> {
    if (this.#closed) return Promise.reject(new SessionDied('the session is closed', false))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#running.set(id, (reply) => (reply instanceof Error ? reject(reply) : resolve(reply)))
      this.#worker.postMessage({ id, input })
    })
  }

  /** Waits for the running batch: ending a thread inside ONNX Runtime ends the whole process. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#running.size > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    await this.#worker.terminate()
  }

  #die(reason: string): void {
    this.#closed = true
    const running = [...this.#running.values()]
    this.#running.clear()
    // A thread takes its inputs one after the other.
    for (const [place, settle] of running.entries()) settle(new SessionDied(reason, place === 0))
    this.#idle?.()
  }
}
