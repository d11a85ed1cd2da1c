import { Worker } from 'node:worker_threads'
import { ItemError } from '../../errors.ts'
import type { Backpressure } from '../../runtime/backpressure.ts'
import { BatchQueue, type Queued } from '../../runtime/queue.ts'
import { fromWire } from '../../runtime/wire-errors.ts'
import { needsProcess } from '../decode-raster.ts'
import type { ImageSpec } from '../image-spec.ts'
import type { ImageLimits } from '../open.ts'
import type { DecodeReply, DecodeRequest } from './decode-protocol.ts'

/** In a thread, or in the thread's process: an image that takes long there holds up no image of the other kind. */
const places = ['thread', 'process'] as const
type Place = (typeof places)[number]

interface Task extends Queued {
  request: Omit<DecodeRequest, 'id'>
  settle(result: Uint8Array | Error): void
  /** How often a thread died that was at this. */
  deaths: number
}

/** An image under which threads die more often than this is given up. */
const maxDeaths = 2

/** Threads that decode and resize, off the event loop and ahead of the sessions. */
export class DecodePool {
  readonly #size: number
  readonly #backpressure: Backpressure
  readonly #threads = new Set<DecodeThread>()
  readonly #waiting = { thread: new BatchQueue<Task>(), process: new BatchQueue<Task>() }
  /** Images of threads that died: each has a thread to itself now, so that the one to blame is found. */
  readonly #suspects: Task[] = []
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
      const place = needsProcess(bytes) ? 'process' : 'thread'
      const request = { bytes, image, limits }
      this.#waiting[place].push({ ...queued, bucket: place, request, settle, deaths: 0 })
      this.#assign()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const waiting = places.flatMap((place) => this.#waiting[place].drain())
    for (const { settle } of [...waiting, ...this.#suspects.splice(0)])
      settle(new Error('the encoder is closed'))
    await Promise.all([...this.#threads].map((thread) => thread.close()))
  }

  #assign(): void {
    while (this.#suspects.length > 0) {
      const thread = this.#freeThread((one) => one.isIdle)
      if (!thread) return
      thread.run(this.#suspects.shift()!)
    }
    for (const place of places)
      while (this.#waiting[place].length > 0 && this.#backpressure.hasRoom) {
        const thread = this.#freeThread((one) => one.hasRoom(place))
        if (!thread) break
        const [task] = this.#waiting[place].take(1)
        if (!task) break
        thread.run(task)
      }
  }

  /** Starts a thread when all are busy, and replaces those that died. Null when `size` threads are busy. */
  #freeThread(isFree: (thread: DecodeThread) => boolean): DecodeThread | null {
    for (const thread of this.#threads) if (isFree(thread)) return thread
    if (this.#threads.size >= this.#size) return null
    const thread = new DecodeThread({
      onRoom: () => this.#assign(),
      onEnd: (running) => {
        this.#threads.delete(thread)
        for (const task of running) this.#tryAgain(task)
        if (!this.#closed) this.#assign()
      },
    })
    this.#threads.add(thread)
    return thread
  }

  /** After a thread's death. */
  #tryAgain(task: Task): void {
    task.deaths++
    if (this.#closed) task.settle(new Error('the encoder is closed'))
    else if (task.deaths <= maxDeaths) this.#suspects.push(task)
    else
      task.settle(
        new ItemError(
          'INVALID',
          `${task.deaths} threads ended while they decoded this image; save it anew, as PNG or JPEG.`,
        ),
      )
  }
}

/** Images at one thread, and as many at its process: while libvips works on one, the other's bytes are on their way. */
const maxInFlight = 2

class DecodeThread {
  readonly #worker = new Worker(new URL('./decode-thread.ts', import.meta.url))
  readonly #running = new Map<number, Task>()
  #next = 0

  constructor({ onRoom, onEnd }: { onRoom(): void; onEnd(running: Task[]): void }) {
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
      const running = [...this.#running.values()]
      this.#running.clear()
      onEnd(running)
    }
    // An exit follows every error.
    this.#worker.once('error', () => {})
    this.#worker.once('exit', end)
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  hasRoom(place: Place): boolean {
    const running = [...this.#running.values()]
    if (running.some(({ deaths }) => deaths > 0)) return false
    return running.filter(({ bucket }) => bucket === place).length < maxInFlight
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
