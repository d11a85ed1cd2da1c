import { ItemError } from '../errors.ts'
import { BatchQueue, type Queued } from './queue.ts'
import { type Session, SessionDied } from './session.ts'

/** Seconds that an item waited for a session, and that the run of its batch took. */
export interface BatchSeconds {
  queue: number
  run: number
}

/** One text, image or view of an image on its way through a session. */
export interface BatchItem<Result> extends Queued {
  /** Gets the item's result, or why there is none; `seconds` is absent when it was never run. */
  settle(result: Result | Error, seconds?: BatchSeconds): void
  /** How often the session's thread died while it was at this. */
  deaths?: number
  /** Milliseconds; when it was pushed. */
  queuedAt?: number
}

/** A way's session, whatever it tells when it is ready. */
export type BatcherSession<Input, Output> = Pick<Session<Input, Output, unknown>, 'run' | 'close' | 'alive'>

export interface BatcherOptions<Work, Input, Output, Result> {
  load(): Promise<BatcherSession<Input, Output>>
  /** Most items of a batch. */
  maxBatch: number
  /** The session's input for a batch. */
  collate(batch: readonly Work[]): Input
  /** What came of each row of a batch. */
  split(output: Output, batch: readonly Work[]): (Result | Error)[]
  onBatch(size: number, seconds: number): void
  /** The model fails on one item. */
  onFailure(error: Error): void
  /** A batch has left the queue. */
  onDequeue(): void
}

/**
 * Batches at the session at once: one runs, and a full one may lie ready behind it. One that is not full yet goes on
 * filling until the session is free.
 */
const maxInFlight = 2

/** Times that a session's thread may die under an item before the item is given up. */
const maxDeaths = 2

/** A session and the batches that are at it. */
interface Instance<Input, Output> {
  session: Promise<BatcherSession<Input, Output>>
  inFlight: number
}

/** The way of one kind of work through one model: queue, batches, sessions. Every work that is pushed is settled. */
export class Batcher<Work extends BatchItem<Result>, Input, Output, Result> {
  readonly #options: BatcherOptions<Work, Input, Output, Result>
  readonly #queue = new BatchQueue<Work>()
  readonly #instances: Instance<Input, Output>[]
  #closed = false
  #scheduled = false

  constructor(
    sessions: readonly BatcherSession<Input, Output>[],
    options: BatcherOptions<Work, Input, Output, Result>,
  ) {
    this.#instances = sessions.map((session) => ({ session: Promise.resolve(session), inFlight: 0 }))
    this.#options = options
  }

  get waiting(): number {
    return this.#queue.length
  }

  push(work: Work): void {
    if (this.#closed) work.settle(new Error('the model was unloaded'))
    else {
      work.queuedAt = performance.now()
      this.#queue.push(work)
    }
    if (this.#scheduled) return
    // What arrives in the same turn of the event loop, a call's many texts, goes together.
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const work of this.#queue.drain()) work.settle(new Error('the model was unloaded'))
    await Promise.all(
      this.#instances.map(async (seat) => {
        const session = await seat.session.catch(() => null)
        await session?.close()
      }),
    )
  }

  /** Free sessions share what waits; with none free, only a full batch goes ahead to lie ready. */
  #dispatch(): void {
    const { maxBatch } = this.#options
    while (!this.#closed) {
      const free = this.#instances.filter(({ inFlight }) => inFlight === 0)
      const seat = free[0] ?? this.#instances.find(({ inFlight }) => inFlight < maxInFlight)
      if (!seat) return
      const most = Math.min(maxBatch, Math.ceil(this.#queue.length / Math.max(1, free.length)))
      const batch = free.length > 0 ? this.#queue.take(most) : this.#queue.take(maxBatch, maxBatch)
      if (batch.length === 0) return
      seat.inFlight++
      this.#options.onDequeue()
      void this.#run(batch, seat).finally(() => {
        seat.inFlight--
        this.#dispatch()
      })
    }
  }

  /** One bad item never fails its batch: a batch that fails is halved until the item stands alone. */
  async #run(batch: Work[], seat: Instance<Input, Output>): Promise<void> {
    try {
      const session = await this.#live(seat)
      const { output, seconds } = await session.run(this.#options.collate(batch))
      this.#options.onBatch(batch.length, seconds)
      const results = this.#options.split(output, batch)
      const ended = performance.now()
      for (const [row, work] of batch.entries()) {
        const queue = (ended - work.queuedAt!) / 1000 - seconds
        work.settle(results[row]!, { queue, run: seconds })
      }
    } catch (error) {
      if (error instanceof SessionDied) return this.#retry(batch, seat, error)
      if (batch.length === 1) {
        this.#options.onFailure(error as Error)
        const refusal = new ItemError('INVALID', 'The model could not encode this input.', { cause: error })
        return batch[0]!.settle(refusal)
      }
      const middle = batch.length >> 1
      await this.#run(batch.slice(0, middle), seat)
      await this.#run(batch.slice(middle), seat)
    }
  }

  /** After a death each item goes on its own, so that the one that kills is found. */
  async #retry(batch: Work[], seat: Instance<Input, Output>, error: SessionDied): Promise<void> {
    for (const work of batch) {
      work.deaths = (work.deaths ?? 0) + 1
      if (this.#closed || work.deaths > maxDeaths) work.settle(error)
      else await this.#run([work], seat)
    }
  }

  /** The session, started anew when its thread has died. @throws SessionDied when that does not succeed either */
  async #live(seat: Instance<Input, Output>): Promise<BatcherSession<Input, Output>> {
    const held = seat.session
    const session = await held.catch(() => null)
    if (session?.alive || this.#closed) return session ?? seat.session
    // Another batch may have seen it die first.
    if (seat.session === held) {
      seat.session = this.#options.load()
      seat.session.catch(() => {})
    }
    return seat.session.catch((error) => {
      throw new SessionDied(`the session does not start again: ${error.message}`, { cause: error })
    })
  }
}
