/** Drawings that the server makes step by step, kept in the database after every few steps. */
import { BadUserInput, Overloaded } from '../../errors.ts'
import type { Guide } from '../../guidance/guide.ts'
import { defaultLimits, type ImageLimits } from '../../images/open.ts'
import { type Log, silent } from '../../log.ts'
import type { ModelCard } from '../../registry/card.ts'
import { withRetries } from '../../runtime/retry.ts'
import { Semaphore } from '../../runtime/semaphore.ts'
import { PainterClient } from '../painter-client.ts'
import type { RunRequest } from '../request.ts'
import { LatestEvents } from './events.ts'
import { Run } from './run.ts'
import {
  isOver,
  type NewRun,
  type RequestKey,
  type RunPage,
  type RunPageRequest,
  type RunRow,
  type RunStatus,
  type RunStore,
} from './run-store.ts'
import { encodeRequest } from './saved-request.ts'
import { Scheduler } from './scheduler.ts'

export interface DrawingRunsOptions {
  guide: Guide
  store: RunStore
  /** @throws ModelNotFound, ModelFolderError */
  model(name: string): Promise<ModelCard>
  /** Runs that are worked at at the same time; the others wait. */
  places?: number
  /** Runs that may wait, or be worked at here. */
  limit?: number
  limits?: ImageLimits
  /** Milliseconds after which a run of a server that died is free. */
  leaseMs?: number
  /** Milliseconds between two looks for runs that other servers left. */
  lookEveryMs?: number
  /**
   * Milliseconds from its start for which a run is left to other servers when this one does not have its model; after
   * that it fails. 0, the default, where there are no other servers.
   */
  leaveToOthersMs?: number
  log?: Log
}

/** Requests whose painter is opened to check it, at the same time. */
const maxOpening = 2
/** Milliseconds between two looks at a run that another server works at. */
const pollMs = 500

export class DrawingRuns {
  readonly #options: DrawingRunsOptions
  readonly #store: RunStore
  readonly #limits: ImageLimits
  readonly #log: Log
  readonly #scheduler: Scheduler
  /** Those that this server works at. */
  readonly #running = new Map<string, Run>()
  /** Painters of runs that are about to begin. */
  readonly #opened = new Map<string, PainterClient>()
  readonly #events = new LatestEvents<RunRow>()
  readonly #openings = new Semaphore(maxOpening)
  /** Requests that are being checked; they take a place in the queue as well. */
  #opening = 0
  readonly #closing = new AbortController()

  constructor(options: DrawingRunsOptions) {
    const { store, limits = defaultLimits, log = silent, places = 1, lookEveryMs = 15_000 } = options
    this.#options = options
    this.#store = store
    this.#limits = limits
    this.#log = log
    this.#scheduler = new Scheduler({
      places,
      lookEveryMs,
      list: () => store.free(),
      work: (id) => this.#work(id),
      onLookFailed: (err) => log.warn({ err }, 'could not look for drawings'),
    })
  }

  /**
   * The run that this request has started already; null where there is none.
   * @throws BadUserInput when the key came with another input
   */
  async startedWith(key: RequestKey): Promise<RunRow | null> {
    const started = await this.#store.startedWith(key)
    if (!started) return null
    if (started.digest !== key.digest)
      throw new BadUserInput(
        'This key has started a drawing from another input. Take a new key for a new drawing.',
        { argument: 'input.idempotencyKey', inputErrorCode: 'CONFLICT' },
      )
    return this.#store.get(started.id)
  }

  /** @throws BadUserInput, ItemError for the start, Overloaded when too many runs wait */
  async start(request: RunRequest, key: RequestKey | null = null): Promise<RunRow> {
    const { model } = request
    const { guide, limit = 64 } = this.#options
    const reason = await guide.unsupportedReason(model)
    if (reason) throw new BadUserInput(`Model "${model.name}" cannot guide. ${reason}`)
    const waiting = this.#scheduler.size + this.#opening
    if (waiting >= limit) throw Overloaded.queue(30_000, { waiting, limit, queue: 'The queue of drawings' })
    this.#opening++
    try {
      return await this.#openings.run(() => this.#create(request, key))
    } finally {
      this.#opening--
    }
  }

  /**
   * Ends a run, whichever server works at it; null when there is no such run. Its row is that of the end. While the
   * database is away it waits, and takes effect also for a caller who left.
   */
  async stop(id: string): Promise<RunRow | null> {
    const { signal } = this.#closing
    for (let isFirst = true; ; isFirst = false) {
      // Here without asking the database.
      this.#scheduler.remove(id)
      this.#running.get(id)?.stop()
      const row = await this.#answered(signal, () => this.#store.get(id))
      if (!row || isOver(row) || signal.aborted) return row
      if (isFirst) await this.#answered(signal, () => this.#store.requestStop(id))
      if (!this.#running.has(id) && (await this.#answered(signal, () => this.#endUnheld(id)))) continue
      // A server that holds it sees the request when it next saves, or renews its lease.
      await this.#change(id)
    }
  }

  get(id: string): Promise<RunRow | null> {
    return this.#store.get(id)
  }

  /** Newest first. */
  page(request: RunPageRequest): Promise<RunPage> {
    return this.#store.page(request)
  }

  count(statuses: readonly RunStatus[] | null): Promise<number> {
    return this.#store.count(statuses)
  }

  /** Deletes runs; those that are not over are stopped first. Returns the ids of those that were there. */
  async delete(ids: readonly string[]): Promise<string[]> {
    const deleted = await this.#store.delete(ids)
    const others = ids.filter((id) => !deleted.includes(id))
    await Promise.all(others.map((id) => this.stop(id)))
    return [...deleted, ...(await this.#store.delete(others))]
  }

  /** The run's frames from the present one on; ends with the run. A slow reader gets the newest and misses the others. */
  async *frames(id: string, signal: AbortSignal): AsyncIterable<RunRow> {
    using subscription = this.#events.subscribe(id)
    const ending = AbortSignal.any([signal, this.#closing.signal])
    const stored = () =>
      this.#answered(ending, () => this.#store.get(id)).catch((error) => {
        if (ending.aborted) return null
        throw error
      })
    let last: RunRow | null = null
    while (!ending.aborted) {
      const row: RunRow | null = subscription.take() ?? this.#running.get(id)?.latest ?? (await stored())
      if (!row) return
      if (row.step !== last?.step || row.status !== last.status) yield row
      last = row
      if (isOver(row)) return
      await subscription.wait(signal, this.#running.has(id) ? undefined : pollMs)
    }
  }

  /** Goes on with runs that nobody works at: now, and from time to time. */
  resume(): Promise<void> {
    return this.#scheduler.start()
  }

  /** Leaves the runs as they were last saved; whoever reads frames is sent away. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const run of this.#running.values()) run.suspend()
    await this.#scheduler.close()
    this.#events.wakeAll()
  }

  /** A run that is in the database and in the queue. @throws ItemError, BadUserInput */
  async #create(request: RunRequest, key: RequestKey | null): Promise<RunRow> {
    // Opened now where it costs nothing or a start has to be checked: a wrong start is refused at once.
    let painter: PainterClient | null =
      request.start || this.#scheduler.hasFreePlace
        ? await PainterClient.open({ request, spec: request.model.image, limits: this.#limits, state: null })
        : null
    try {
      const { row, isNew } = await this.#createOnce(encodeRequest(request), key)
      if (!isNew) return row
      if (painter) this.#opened.set(row.id, painter)
      this.#scheduler.add(row.id)
      // Still there if the run has to wait.
      painter = this.#opened.get(row.id) ?? null
      this.#opened.delete(row.id)
      return row
    } finally {
      await painter?.close()
    }
  }

  /** The same request may have come twice at once, or its run may have been deleted between two looks. */
  async #createOnce(run: NewRun, key: RequestKey | null): Promise<{ row: RunRow; isNew: boolean }> {
    for (;;) {
      const created = await this.#store.create(run, key)
      if (created) return { row: created, isNew: true }
      const started = key && (await this.startedWith(key))
      if (started) return { row: started, isNew: false }
    }
  }

  /** True when the run is over. */
  async #work(id: string): Promise<boolean> {
    const { guide, store, model, leaseMs = 15_000, leaveToOthersMs = 0 } = this.#options
    const run = new Run({
      ...{ id, guide, store, model, leaseMs, leaveToOthersMs },
      limits: this.#limits,
      log: this.#log,
      painter: this.#opened.get(id) ?? null,
      onFrame: (row) => this.#events.publish(id, row),
    })
    this.#opened.delete(id)
    this.#running.set(id, run)
    const row = await run.work()
    this.#running.delete(id)
    if (row) this.#events.publish(id, row)
    else this.#events.wake(id)
    return row !== null
  }

  /** Repeats a call of the store through a failure of the database, until the signal fires. */
  #answered<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return withRetries(call, { signal, isTransient: (error) => this.#store.isTransient(error) })
  }

  /** Ends a run that no server works at; false when one does. */
  async #endUnheld(id: string): Promise<boolean> {
    const { leaseMs = 15_000 } = this.#options
    if (!(await this.#store.claim(id, leaseMs))) return false
    try {
      const row = await this.#store.end(id, { status: 'STOPPED', error: null })
      if (row) this.#events.publish(id, row)
      return true
    } finally {
      await this.#store.release(id)
    }
  }

  /** Resolves when something happened to the run here, or after a while. */
  async #change(id: string): Promise<void> {
    using subscription = this.#events.subscribe(id)
    await subscription.wait(this.#closing.signal, pollMs)
  }
}
