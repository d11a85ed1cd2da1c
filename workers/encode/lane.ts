import { ItemError } from '../errors.ts'
import { BatchQueue, type Queued } from './queue.ts'
import { type Session, SessionDied } from './session.ts'

/** One text or picture on its way through a session. */
export interface LaneWork extends Queued {
  input: { pixels: Uint8Array } | { ids: number[] }
  /** The L2-normalised vector, or why there is none. */
  settle(result: Float32Array | Error): void
  /** How often the session's thread died while it was at this. */
  deaths?: number
}

export interface LaneOptions {
  load(): Promise<Session>
  /** Texts are padded to the longest of their batch; else to their bucket's length, for kernels made for a shape. */
  padToLongest: boolean
  /** Most items of a batch. */
  maxBatch: number
  dimensions: number
  onBatch(size: number, seconds: number): void
  /** The model fails on one item. */
  onFailure(error: Error): void
  /** A batch has left the queue. */
  onTaken(): void
}

/**
 * Batches at the session at once: one runs, and a full one may lie ready behind it. One that is not full yet goes on
 * filling until the session is free.
 */
const atSession = 2

/** Times that a session's thread may die under an item before the item is given up. */
const mostDeaths = 2

/** A session and the batches that are at it. */
interface Seat {
  session: Promise<Session>
  running: number
}

/** The way of one modality of one model: queue, batches, sessions. Every work that is pushed is settled. */
export class Lane {
  readonly #options: LaneOptions
  readonly #queue = new BatchQueue<LaneWork>()
  readonly #seats: Seat[]
  #closed = false
  #scheduled = false

  constructor(sessions: readonly Session[], options: LaneOptions) {
    this.#seats = sessions.map((session) => ({ session: Promise.resolve(session), running: 0 }))
    this.#options = options
  }

  get waiting(): number {
    return this.#queue.length
  }

  push(work: LaneWork): void {
    if (this.#closed) work.settle(new Error('the model was unloaded'))
    else this.#queue.push(work)
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
      this.#seats.map(async (seat) => {
        const session = await seat.session.catch(() => null)
        await session?.close()
      }),
    )
  }

  /** Free sessions share what waits; with none free, only a full batch goes ahead to lie ready. */
  #dispatch(): void {
    const { maxBatch } = this.#options
    while (!this.#closed) {
      const free = this.#seats.filter(({ running }) => running === 0)
      const seat = free[0] ?? this.#seats.find(({ running }) => running < atSession)
      if (!seat) return
      const most = Math.min(maxBatch, Math.ceil(this.#queue.length / Math.max(1, free.length)))
      const batch = free.length > 0 ? this.#queue.take(most) : this.#queue.take(maxBatch, maxBatch)
      if (batch.length === 0) return
      seat.running++
      this.#options.onTaken()
      void this.#run(batch, seat).finally(() => {
        seat.running--
        this.#dispatch()
      })
    }
  }

  /** One bad item never fails its batch: a batch that fails is halved until the item stands alone. */
  async #run(batch: LaneWork[], seat: Seat): Promise<void> {
    try {
      const session = await this.#live(seat)
      const { vectors, seconds } = await session.run(sessionInput(batch, this.#options.padToLongest))
      this.#options.onBatch(batch.length, seconds)
      this.#settle(batch, vectors)
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
  async #retry(batch: LaneWork[], seat: Seat, error: SessionDied): Promise<void> {
    for (const work of batch) {
      work.deaths = (work.deaths ?? 0) + 1
      if (this.#closed || work.deaths > mostDeaths) work.settle(error)
      else await this.#run([work], seat)
    }
  }

  /** The session, started anew when its thread has died. @throws SessionDied when that does not succeed either */
  async #live(seat: Seat): Promise<Session> {
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

  #settle(batch: LaneWork[], vectors: Float32Array): void {
    const { dimensions } = this.#options
    batch.forEach((work, row) => {
      const vector = normalised(vectors.subarray(row * dimensions, (row + 1) * dimensions))
      work.settle(vector ?? new ItemError('INVALID', 'The model gives no finite vector for this input.'))
    })
  }
}

function sessionInput(batch: LaneWork[], padToLongest: boolean) {
  if ('pixels' in batch[0]!.input)
    return {
      kind: 'pixels' as const,
      pixels: batch.map(({ input }) => (input as { pixels: Uint8Array }).pixels),
    }
  const rows = batch.map(({ input }) => (input as { ids: number[] }).ids)
  const length = padToLongest ? Math.max(...rows.map((row) => row.length)) : Number(batch[0]!.bucket)
  return { kind: 'tokens' as const, rows, length }
}

/** L2-normalised copy; null when it has no finite length. */
function normalised(vector: Float32Array): Float32Array | null {
  let square = 0
  for (const value of vector) square += value * value
  const length = Math.sqrt(square)
  if (!Number.isFinite(length) || length === 0) return null
  return vector.map((value) => value / length)
}
