/** Guidance runs: drawings that the server makes step by step, kept in the database after every few steps. */
import { EventEmitter } from 'node:events'
import { BadUserInput, ItemError, Overloaded } from '../errors.ts'

import type { Guide } from '../guidance/guide.ts'
import { type LossKind, promptLoss } from '../guidance/loss.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { type Log, silent } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import { Semaphore } from '../runtime/semaphore.ts'
import { Session } from '../runtime/session.ts'
import { concat, cosine } from '../similarity/vectors.ts'
import { type WeightedVector, weightedMean } from '../similarity/weighted.ts'
import type { DrawingRequest } from './painter.ts'
import type { PainterOptions, PainterReady, PainterResult, PainterTask } from './painter-thread.ts'
import type { RunEnd, RunFrame, RunRow, RunStore, SavedRun } from './run-store.ts'

export interface RunRequest extends DrawingRequest {
  spec: ModelCard
  prompts: readonly WeightedVector[]
}

export interface DrawingRuns {
  /** @throws BadUserInput, ItemError for the start, Overloaded when too many runs wait */
  start(request: RunRequest): Promise<RunRow>
  /** Null when there is no such run. */
  stop(id: string): Promise<RunRow | null>
  get(id: string): Promise<RunRow | null>
  /** Its frames from now on, the present one first; ends with the run. Frames that nobody took in time are passed over. */
  frames(id: string, signal: AbortSignal): AsyncIterable<RunRow>
  /** Goes on with what a server before did not finish. */
  resume(): Promise<void>
  close(): Promise<void>
}

export interface DrawingRunsOptions {
  guide: Guide
  store: RunStore
  model(name: string): Promise<ModelCard>
  /** Runs that are worked at at the same time; the others wait. */
  atOnce?: number
  /** Runs that may wait or run. */
  limit?: number
  limits?: ImageLimits
  log?: Log
}

/** Steps between two frames. */
const stepsPerFrame = 5
const loss: LossKind = 'SPHERICAL'

type PainterSession = Session<PainterTask, PainterResult, PainterReady>

/** A run that is worked at or waits for it. */
interface Active {
  id: string
  stopping: AbortController
  painter: PainterSession | null
  work: Promise<void> | null
  latest: RunRow
}

export function createDrawingRuns(settings: DrawingRunsOptions): DrawingRuns {
  const { guide, store, atOnce = 1, limit = 64, limits = defaultLimits, log = silent } = settings
  const active = new Map<string, Active>()
  const waiting: Active[] = []
  const working = new Set<Promise<void>>()
  const events = new EventEmitter().setMaxListeners(0)
  /** Starts that are being looked at; they take a place as well. */
  let opening = 0
  const openings = new Semaphore(2)
  let closed = false

  async function openPainter(
    saved: Pick<SavedRun, 'input' | 'start' | 'state'>,
    spec: ModelCard,
  ): Promise<PainterSession> {
    const commission = { ...(saved.input as unknown as Input).commission, start: saved.start }
    const painter = await Session.load<PainterTask, PainterResult, PainterReady>(
      new URL('./painter-thread.ts', import.meta.url),
      { commission, spec: spec.image, limits, state: saved.state } satisfies PainterOptions,
    )
    if (!('refused' in painter.ready)) return painter
    await painter.close()
    throw new ItemError(painter.ready.refused.code, painter.ready.refused.message)
  }

  function schedule(): void {
    while (!closed && working.size < atOnce && waiting.length > 0) {
      const run = waiting.shift()!
      const work: Promise<void> = perform(run).finally(() => {
        working.delete(work)
        schedule()
      })
      run.work = work
      working.add(work)
    }
  }

  /** All of a run, to its end, its stop or the end of the server, which leaves it as it was last saved. */
  async function perform(run: Active): Promise<void> {
    const { signal } = run.stopping
    try {
      const saved = await store.load(run.id)
      if (!saved) throw new Error('the run is no longer in the database')
      const input = readInput(saved)
      const spec = await settings.model(input.model)
      if (spec.revision !== input.revision)
        throw new BadUserInput(`The model "${input.model}" has changed since the run began. Start it again.`)
      run.painter ??= await openPainter(saved, spec)
      const painter = run.painter
      const step = (task: PainterTask) => painter.run(task).then(({ output }) => output)
      const seen = async (views: Float32Array) =>
        guide.gradients(
          spec,
          views,
          { prompts: input.prompts, loss },
          { signal, priority: 'bulk', bucket: run.id },
        )
      const lossOf = (embedding: Float32Array) =>
        weightedMean(input.prompts, ({ vector }) => promptLoss(loss, cosine(embedding, vector)))
      const { steps } = saved
      let last = saved.loss ?? 0
      for (let at = (painter.ready as { step: number }).step; at < steps; ) {
        signal.throwIfAborted()
        const rows = await seen((await step({ task: 'views' })).views!)
        // The whole image comes first, the cutouts after it.
        last = lossOf(rows[0]!.embedding)
        await step({ task: 'update', rows: concat(rows.map(({ gradient }) => gradient)) })
        at++
        if (at % stepsPerFrame === 0 && at < steps) {
          const frame = await show(step, at, last)
          await store.save(run.id, { ...frame, state: (await step({ task: 'save' })).state! })
          run.latest = { ...run.latest, ...frame, status: 'RUNNING' }
          events.emit(run.id, run.latest)
        }
      }
      for (;;) {
        const { views } = await step({ task: 'alternatives' })
        if (!views) break
        const rows = await seen(views)
        const losses = rows.map(({ embedding }) => lossOf(embedding))
        last = Math.min(...losses)
        await step({ task: 'choose', losses })
      }
      signal.throwIfAborted()
      await end(run, { status: 'DONE', error: null }, await show(step, steps, last))
    } catch (error) {
      if (closed) return
      if (signal.aborted) return end(run, { status: 'STOPPED', error: null })
      log.warn({ run: run.id, err: error }, 'a guidance run failed')
      const told = error instanceof ItemError || error instanceof BadUserInput
      await end(run, {
        status: 'FAILED',
        error: told ? error.message : 'Something went wrong in the server; its log says what.',
      })
    } finally {
      await run.painter?.close()
    }
  }

  async function show(
    step: (task: PainterTask) => Promise<PainterResult>,
    at: number,
    loss: number,
  ): Promise<RunFrame> {
    const { svg, preview } = (await step({ task: 'frame' })).frame!
    const { png, width, height } = preview
    return { step: at, loss, svg, preview: png, previewWidth: width, previewHeight: height }
  }

  async function end(run: Active, how: RunEnd, frame?: RunFrame): Promise<void> {
    const row = await store.end(run.id, how, frame).catch((err) => {
      // It is still RUNNING in the database, and the next start goes on with it.
      log.error({ run: run.id, err }, 'the end of a guidance run could not be written down')
      return null
    })
    active.delete(run.id)
    events.emit(run.id, row ?? { ...run.latest, ...frame, ...how })
  }

  function take(latest: RunRow, painter: PainterSession | null): void {
    const run: Active = { id: latest.id, stopping: new AbortController(), painter, work: null, latest }
    active.set(run.id, run)
    waiting.push(run)
    schedule()
  }

  /** A run that is written down and has its place. @throws ItemError, BadUserInput */
  async function begin({ spec, prompts, start, ...commission }: RunRequest): Promise<RunRow> {
    const input: Input = {
      model: spec.name,
      revision: spec.revision,
      commission,
      prompts: prompts.map(({ vector, weight }) => ({
        vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'),
        weight,
      })),
    }
    const { generator, steps } = commission
    const fresh = { generator, steps, input: input as unknown as Record<string, unknown>, start }
    const isFree = () => working.size < atOnce && !closed
    // Opened now, so that what is wrong with a start is said at once; kept when the run begins at once.
    let painter = start || isFree() ? await openPainter({ ...fresh, state: null }, spec) : null
    try {
      const row = await store.create(fresh)
      // It may have been found in the database meanwhile, as one to go on with.
      if (active.has(row.id)) return row
      const kept = isFree() ? painter : null
      take(row, kept)
      if (kept) painter = null
      return row
    } finally {
      await painter?.close()
    }
  }

  return {
    async start(request) {
      const { spec } = request
      const obstacle = await guide.unsupportedReason(spec)
      if (obstacle) throw new BadUserInput(`Model "${spec.name}" cannot guide. ${obstacle}`)
      const taken = active.size + opening
      if (taken >= limit)
        throw Overloaded.queue(30_000, { waiting: taken, limit, queue: 'The queue of guidance runs' })
      opening++
      try {
        return await openings.run(() => begin(request))
      } finally {
        opening--
      }
    },
    async stop(id) {
      const run = active.get(id)
      if (!run) return store.get(id)
      run.stopping.abort(new Error('stopped'))
      const place = waiting.indexOf(run)
      if (place >= 0) {
        waiting.splice(place, 1)
        await run.painter?.close()
        await end(run, { status: 'STOPPED', error: null })
      } else await run.work
      return store.get(id)
    },
    get: (id) => store.get(id),
    async *frames(id, signal) {
      let next: RunRow | null = null
      let wake = Promise.withResolvers<void>()
      const listen = (row: RunRow) => {
        next = row
        wake.resolve()
      }
      const leave = () => wake.resolve()
      events.on(id, listen)
      signal.addEventListener('abort', leave)
      try {
        // What ended before anyone listened is over in the database.
        next ??= active.get(id)?.latest ?? (await store.get(id))
        if (!next) return
        while (!signal.aborted && !closed) {
          const row: RunRow | null = next
          next = null
          if (row) {
            yield row
            if (isOver(row)) return
          }
          if (!next) await wake.promise
          wake = Promise.withResolvers()
        }
      } finally {
        events.off(id, listen)
        signal.removeEventListener('abort', leave)
      }
    },
    async resume() {
      for (const row of await store.unfinished()) if (!active.has(row.id)) take(row, null)
    },
    async close() {
      closed = true
      for (const run of active.values()) run.stopping.abort(new Error('the server is closing'))
      await Promise.all([...working])
      await Promise.all(waiting.map((run) => run.painter?.close()))
      // Whoever still listens is told to go.
      for (const id of events.eventNames()) events.emit(id, null)
    },
  }
}

/** What is kept of a request, as JSON. */
interface Input {
  model: string
  revision: string
  commission: Omit<DrawingRequest, 'start'>
  prompts: { vector: string; weight: number }[]
}

function readInput(saved: SavedRun): Omit<Input, 'prompts'> & { prompts: WeightedVector[] } {
  const input = saved.input as unknown as Input
  return {
    ...input,
    prompts: input.prompts.map(({ vector, weight }) => ({
      vector: new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer),
      weight,
    })),
  }
}

const isOver = ({ status }: RunRow) => status !== 'QUEUED' && status !== 'RUNNING'
