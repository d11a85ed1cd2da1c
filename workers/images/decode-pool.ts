import { Worker } from 'node:worker_threads'
import type { Backpressure } from '../runtime/backpressure.ts'
import { BatchQueue, type Queued } from '../runtime/queue.ts'
import { fromWire } from '../runtime/wire-errors.ts'
import type { DecodeReply, DecodeRequest } from './decode-protocol.ts'
import type { ImageSpec } from './image-spec.ts'
import type { ImageLimits } from './open.ts'

interface Task extends Queued {
  request: Omit<DecodeRequest, 'id'>
  settle(result: Uint8Array | Error): void
}

/** Threads that decode and resize, off the event loop and ahead of the sessions. */
export class DecodePool {
  readonly #size: number
  readonly #backpressure: Backpressure
  readonly #threads = new Set<DecodeThread>()
  readonly #waiting = new BatchQueue<Task>()
  #closed = false

  /** The pool begins nothing while `backpressure` has no room for decoded images. */
  constructor(size: number, backpressure: Backpressure) {
    this.#size = size
    this.#backpressure = backpressure
    backpressure.onRoom(() => {
      if (!this.#closed) this.#assign()
    })
  }

  /**
   * Pixels of the encoder's input. The pool drops work that nobody waits for when its turn comes; the promise of such work
   * stays open.
   * @throws ItemError when the image cannot be used
   */
  decode(
    bytes: Uint8Array,
    image: ImageSpec,
    limits: ImageLimits,
    queued: Pick<Queued, 'hasWaiters' | 'priority' | 'since'>,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const settle = (result: Uint8Array | Error) =>
        result instanceof Error ? reject(result) : resolve(result)
      if (this.#closed) return settle(new Error('the encoder is closed'))
      this.#waiting.push({ ...queued, bucket: '', request: { bytes, image, limits }, settle })
      this.#assign()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { settle } of this.#waiting.drain()) settle(new Error('the encoder is closed'))
    await Promise.all([...this.#threads].map((thread) => thread.close()))
  }

  #assign(): void {
    while (this.#waiting.length > 0 && this.#backpressure.hasRoom) {
      const thread = this.#freeThread()
      if (!thread) return
      const [task] = this.#waiting.take(1)
      if (!task) return
      thread.run(task)
    }
  }

  /** Starts a thread when all are busy, and replaces those that died. Null when `size` threads are busy. */
  #freeThread(): DecodeThread | null {
    for (const thread of this.#threads) if (thread.hasRoom) return thread
    if (this.#threads.size >= this.#size) return null
    const thread = new DecodeThread({
      onRoom: () => this.#assign(),
      onEnd: () => {
        this.#threads.delete(thread)
        if (!this.#closed) this.#assign()
      },
    })
    this.#threads.add(thread)
    return thread
  }
}

/** Images at one thread: while libvips works on one, the other's bytes are on their way. */
const maxInFlight = 2

class DecodeThread {
  readonly #worker = new Worker(new URL('./decode-thread.ts', import.meta.url))
  readonly #running = new Map<number, Task>()
  #next = 0

  constructor({ onRoom, onEnd }: { onRoom(): void; onEnd(): void }) {
    this.#worker.unref()
    this.#worker.on('message', (reply: DecodeReply) => {
      const task = this.#running.get(reply.id)
      this.#running.delete(reply.id)
      if (this.#running.size === 0) this.#worker.unref()
      if ('pixels' in reply) task?.settle(reply.pixels)
      else task?.settle(fromWire(reply.error))
      onRoom()
    })
    const end = () => {
      for (const task of this.#running.values()) task.settle(new Error('the decoding thread ended'))
      this.#running.clear()
      onEnd()
    }
    // An exit follows every error.
    this.#worker.once('error', () => {})
    this.#worker.once('exit', end)
  }

  get hasRoom(): boolean {
    return this.#running.size < maxInFlight
  }

  run(task: Task): void {
    const id = this.#next++
    this.#running.set(id, task)
    this.#worker.ref()
    this.#worker.postMessage({ id, ...task.request } satisfies DecodeRequest)
  }

  close(): Promise<number> {
    return this.#worker.terminate()
  }
}
