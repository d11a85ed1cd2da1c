import { ItemError } from '../errors.ts'
import { BatchQueue, type Queued } from './queue.ts'
import { type Session, SessionDied } from './session/session.ts'

/** The largest batches, where a caller of the code says nothing: on a CPU larger ones gain little and make others wait. */
export const defaultMaxBatch = { encoder: 16, gradient: 8 }

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

/** What a batcher needs of a session. */
export type BatcherSession<Input, Output> = Pick<Session<Input, Output, unknown>, 'run' | 'close' | 'alive'>

export interface BatcherOptions<Work, Input, Output, Result> {
  load(): Promise<BatcherSession<Input, Output>>
  /** Items of a batch, at most. */
  maxBatch: number
  /** Makes the session's input of a batch. */
  collate(batch: readonly Work[]): Input
  /** Splits the session's output into a result, or an error, for each item. */
  split(output: Output, batch: readonly Work[]): (Result | Error)[]
  onBatch(size: number, seconds: number): void
  /** Called when the session fails on an item alone. */
  onFailure(error: Error): void
  /** Called when a batch left the queue. */
  onDequeue(): void
}

/** Batches at one session: one runs, and one that is full may wait behind it. A batch that is not full goes on filling. */
const maxInFlight = 2

/** An item under which a session's thread dies more often than this is given up, and so is a session that does not load. */
const maxDeaths = 2

/** Threads that may die before they begin a batch, under others' inputs or for reasons of their own. */
const maxUnbegun = 20

/** The session's thread died and does not start again: a fault of the server, whatever the input is. */
class SessionUnavailable extends Error {
  override readonly name = 'SessionUnavailable'
}

/** A session and its batches. */
interface Instance<Input, Output> {
  session: Promise<BatcherSession<Input, Output>>
  inFlight: number
}

/**
 * Queues one kind of work for one model and runs it in batches over one or more sessions. Every item that is pushed is
 * settled, whatever happens.
 */
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
    // Items that arrive in one turn of the event loop, such as a call's many texts, share a batch.
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
      this.#instances.map(async (instance) => {
        const session = await instance.session.catch(() => null)
        await session?.close()
      }),
    )
  }

  /** Free sessions share what waits. When none is free, only a full batch goes to wait at a busy one. */
  #dispatch(): void {
    const { maxBatch } = this.#options
    while (!this.#closed) {
      const free = this.#instances.filter(({ inFlight }) => inFlight === 0)
      const instance = free[0] ?? this.#instances.find(({ inFlight }) => inFlight < maxInFlight)
      if (!instance) return
      const share = Math.min(maxBatch, Math.ceil(this.#queue.length / Math.max(1, free.length)))
      const batch = free.length > 0 ? this.#queue.take(share) : this.#queue.take(maxBatch, maxBatch)
      if (batch.length === 0) return
      instance.inFlight++
      this.#options.onDequeue()
      void this.#run(batch, instance).finally(() => {
        instance.inFlight--
        this.#dispatch()
      })
    }
  }

  /** One bad item never fails its batch: a batch that fails is halved until the bad item is alone. */
  async #run(batch: Work[], instance: Instance<Input, Output>, unbegun = 0): Promise<void> {
    try {
      const session = await this.#liveSession(instance)
      const { output, seconds } = await session.run(this.#options.collate(batch))
      this.#options.onBatch(batch.length, seconds)
      const results = this.#options.split(output, batch)
      const ended = performance.now()
      for (const [row, work] of batch.entries()) {
        const queue = (ended - work.queuedAt!) / 1000 - seconds
        work.settle(results[row]!, { queue, run: seconds })
      }
    } catch (error) {
      if (error instanceof SessionDied) return this.#retry(batch, instance, error, unbegun)
      if (error instanceof SessionUnavailable) return settleAll(batch, error)
      if (batch.length === 1) {
        this.#options.onFailure(error as Error)
        const refusal = new ItemError('INVALID', 'The model could not encode this input.', { cause: error })
        return batch[0]!.settle(refusal)
      }
      const middle = batch.length >> 1
      await this.#run(batch.slice(0, middle), instance)
      await this.#run(batch.slice(middle), instance)
    }
  }

  /** After a thread's death each item runs alone, so that the one that kills threads is found. */
  async #retry(
    batch: Work[],
    instance: Instance<Input, Output>,
    error: SessionDied,
    unbegun: number,
  ): Promise<void> {
    if (this.#closed || unbegun > maxUnbegun) return settleAll(batch, error)
    if (!error.begun) return this.#run(batch, instance, unbegun + 1)
    for (const work of batch) {
      work.deaths = (work.deaths ?? 0) + 1
      if (work.deaths <= maxDeaths) await this.#run([work], instance)
      else this.#giveUp(work, error)
    }
  }

  #giveUp(work: Work, cause: SessionDied): void {
    this.#options.onFailure(cause)
    const reason = `The model's thread ended ${work.deaths} times while it encoded this input, which was given up.`
    work.settle(new ItemError('INVALID', reason, { cause }))
  }

  /** The instance's session, loaded anew when its thread has died. @throws SessionUnavailable when that fails again and again */
  async #liveSession(instance: Instance<Input, Output>): Promise<BatcherSession<Input, Output>> {
    for (let failures = 0; ; failures++) {
      const held = instance.session
      const session = await held.catch(() => null)
      if (session?.alive || this.#closed) return session ?? instance.session
      // Another batch may have loaded a new one already.
      if (instance.session === held) {
        instance.session = this.#options.load()
        instance.session.catch(() => {})
      }
      try {
        return await instance.session
      } catch (cause) {
        const reason = `the session does not start again: ${(cause as Error).message}`
        if (failures >= maxDeaths) throw new SessionUnavailable(reason, { cause })
      }
    }
  }
}

function settleAll<Result>(batch: readonly BatchItem<Result>[], error: Error): void {
  for (const work of batch) work.settle(error)
}
