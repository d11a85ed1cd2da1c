import { Worker } from 'node:worker_threads'
import type { SessionReply } from './session-protocol.ts'
import { fromWire } from './wire-errors.ts'

/** The session's thread ended while it was at work. */
export class SessionDied extends Error {
  override readonly name = 'SessionDied'
}

/** What a thread's session gives for an input, and how long it took. */
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
  /** Called when nothing runs any more. */
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

  /** `thread` is the file of the thread's body. @throws Error with ONNX Runtime's words when the session cannot be made */
  static load<Input, Output, Ready>(thread: URL, settings: unknown): Promise<Session<Input, Output, Ready>> {
    const worker = new Worker(thread, { workerData: settings })
    return new Promise((resolve, reject) => {
      // Once ready, the session's own listeners hear what happens; these then reject nobody.
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

  /** The input is copied to the thread, so that it can be run again. */
  run(input: Input): Promise<Ran<Output>> {
    if (this.#closed) return Promise.reject(new SessionDied('the session is closed'))
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#running.set(id, (reply) => (reply instanceof Error ? reject(reply) : resolve(reply)))
      this.#worker.postMessage({ id, input })
    })
  }

  /** Waits for the batch that runs: a thread that is ended inside ONNX Runtime takes the whole process with it. */
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
    for (const settle of running) settle(new SessionDied(reason))
    this.#idle?.()
  }
}
