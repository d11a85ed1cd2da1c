/** One run's work on this server, from its last saved step to its end. */
import { BadUserInput, ItemError, ModelNotFound } from '../../errors.ts'
import type { GradientRow } from '../../guidance/gradient-batcher.ts'
import type { Guide } from '../../guidance/guide.ts'
import { type LossKind, promptLoss } from '../../guidance/loss.ts'
import type { ImageLimits } from '../../images/open.ts'
import type { Log } from '../../log.ts'
import type { ModelCard } from '../../registry/card.ts'
import { withRetries } from '../../runtime/retry.ts'
import { concat, cosine } from '../../similarity/vectors.ts'
import { type WeightedVector, weightedMean } from '../../similarity/weighted.ts'
import { PainterClient } from '../painter-client.ts'
import { RunLease } from './run-lease.ts'
import { isOver, type RunEnd, type RunFrame, type RunRow, type RunStore, type SavedRun } from './run-store.ts'
import { decodeRequest } from './saved-request.ts'

export interface RunOptions {
  id: string
  guide: Guide
  store: RunStore
  /** @throws ModelNotFound, ModelFolderError */
  model(name: string): Promise<ModelCard>
  limits: ImageLimits
  log: Log
  leaseMs: number
  /** Milliseconds from its start for which a run is left to other servers when this one does not have its model. */
  leaveToOthersMs: number
  /** Opened ahead where the run begins at once; the run closes it. */
  painter: PainterClient | null
  /** The run came to a step that is saved. */
  onFrame(row: RunRow): void
}

/** Steps between two frames. */
const stepsPerFrame = 5
const loss: LossKind = 'SPHERICAL'

/** Why a run's work ends before the run does. `stop` ends the run too. */
type Interruption = 'stop' | 'suspended' | 'lease lost'

export class Run {
  /** The last saved row, once the run is loaded. */
  latest: RunRow | null = null
  readonly #options: RunOptions
  readonly #interrupted = new AbortController()
  /** Not even the run's end is this server's to write. */
  readonly #left = new AbortController()
  #painter: PainterClient | null

  constructor(options: RunOptions) {
    this.#options = options
    this.#painter = options.painter
  }

  /** Ends the run as STOPPED. */
  stop(): void {
    this.#interrupt('stop')
  }

  /** Leaves the run as it was last saved, for another server or another day. */
  suspend(): void {
    this.#leave('suspended')
  }

  /**
   * Waits for a database that is away. Resolves to the row of the run's end; null when this server does not hold the
   * run, leaves it or lost it. Never rejects.
   */
  async work(): Promise<RunRow | null> {
    const { store, id, log, leaseMs } = this.#options
    let lease: RunLease | null = null
    try {
      lease = await this.#stored(this.#interrupted.signal, () =>
        RunLease.claim({
          ...{ store, id, log, ms: leaseMs },
          onLost: () => this.#leave('lease lost'),
          onStopRequested: () => this.stop(),
        }),
      )
      return lease && (await this.#workAndEnd())
    } catch (err) {
      // In the database the run is not over: it goes on from its last saved step.
      if (this.#interrupted.signal.aborted) return null
      log.error({ run: id, err }, 'a drawing could not be claimed, or its end not be stored')
      return null
    } finally {
      await this.#painter?.close()
      await lease?.release()
    }
  }

  async #workAndEnd(): Promise<RunRow | null> {
    let frame: RunFrame | null
    try {
      frame = await this.#draw()
    } catch (error) {
      const end = this.#endFor(error)
      return end && this.#end(end)
    }
    return frame && this.#end({ status: 'DONE', error: null }, frame)
  }

  /** How the run ends when its drawing stopped short; null when it does not end. */
  #endFor(error: unknown): RunEnd | null {
    const { id, log } = this.#options
    const { aborted, reason } = this.#interrupted.signal as { aborted: boolean; reason: Interruption }
    if (aborted) return reason === 'stop' ? { status: 'STOPPED', error: null } : null
    log.warn({ run: id, err: error }, 'a drawing failed')
    const isForUsers =
      error instanceof ItemError || error instanceof BadUserInput || error instanceof ModelNotFound
    return {
      status: 'FAILED',
      error: isForUsers ? error.message : 'Something went wrong in the server; its log says what.',
    }
  }

  /** All steps that are left. Returns the last frame, null when the run is over already. */
  async #draw(): Promise<RunFrame | null> {
    const { id, store, limits, leaveToOthersMs } = this.#options
    const { signal } = this.#interrupted
    const saved = await this.#stored(signal, () => store.load(id))
    if (!saved) throw new Error('the run is no longer in the database')
    if (isOver(saved)) return null
    if (saved.stopRequested) this.stop()
    signal.throwIfAborted()
    this.latest = rowOf(saved)
    const { request, prompts, model: name, revision } = decodeRequest(saved)
    const model = await this.#model(name, revision).catch((error) => {
      // Another server may have it.
      if (Date.now() < saved.createdAt.getTime() + leaveToOthersMs) this.suspend()
      throw error
    })
    this.#painter ??= await PainterClient.open({ request, spec: model.image, limits, state: saved.state })
    const painter = this.#painter
    let lastLoss = saved.loss ?? 0
    for (let step = painter.step; step < saved.steps; ) {
      signal.throwIfAborted()
      const rows = await this.#gradients(model, prompts, await painter.views())
      // The whole image comes first, the cutouts after it.
      lastLoss = lossOf(rows[0]!, prompts)
      await painter.update(concat(rows.map(({ gradient }) => gradient)))
      step++
      if (step % stepsPerFrame === 0 && step < saved.steps)
        await this.#save(await frameOf(painter, step, lastLoss), await painter.save())
    }
    lastLoss = (await this.#refine(painter, model, prompts)) ?? lastLoss
    signal.throwIfAborted()
    return frameOf(painter, saved.steps, lastLoss)
  }

  /** Selects the best of the painter's candidates until there are none. Returns the last loss, null without candidates. */
  async #refine(
    painter: PainterClient,
    model: ModelCard,
    prompts: readonly WeightedVector[],
  ): Promise<number | null> {
    let lastLoss: number | null = null
    for (;;) {
      const views = await painter.candidates()
      if (!views) return lastLoss
      const rows = await this.#gradients(model, prompts, views)
      const losses = rows.map((row) => lossOf(row, prompts))
      lastLoss = Math.min(...losses)
      await painter.select(losses)
    }
  }

  /** @throws ModelNotFound, BadUserInput for another revision */
  async #model(name: string, revision: string): Promise<ModelCard> {
    const model = await this.#options.model(name)
    if (model.revision !== revision)
      throw new BadUserInput(`The model "${name}" has changed since the run began. Start it again.`)
    return model
  }

  #gradients(
    model: ModelCard,
    prompts: readonly WeightedVector[],
    views: Float32Array,
  ): Promise<GradientRow[]> {
    const { guide, id } = this.#options
    const { signal } = this.#interrupted
    return guide.gradients(model, views, { prompts, loss }, { signal, priority: 'bulk', bucket: id })
  }

  async #save(frame: RunFrame, state: Uint8Array): Promise<void> {
    const { store, id, onFrame } = this.#options
    const { signal } = this.#interrupted
    const held = await this.#stored(signal, () => store.save(id, { ...frame, state }))
    if (!held) this.#leave('lease lost')
    this.#interrupted.signal.throwIfAborted()
    this.latest = { ...this.latest!, ...frame, status: 'RUNNING' }
    onFrame(this.latest)
    if (held!.stopRequested) this.stop()
  }

  async #end(end: RunEnd, frame?: RunFrame): Promise<RunRow | null> {
    const { store, id, log } = this.#options
    const { signal } = this.#left
    const ended = await this.#stored(signal, () => store.end(id, end, frame))
    if (ended) return ended
    // An attempt whose answer was lost may have ended it.
    const row = await this.#stored(signal, () => store.get(id))
    if (row && isOver(row)) return row
    log.info({ run: id }, 'another server has taken over a drawing')
    return null
  }

  /** Repeats a call of the store through a failure of the database, until the signal fires. */
  #stored<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const { store, id, log } = this.#options
    let isFirst = true
    return withRetries(call, {
      signal,
      isTransient: (error) => store.isTransient(error),
      onPause: (error) => {
        if (isFirst)
          log.warn({ run: id, reason: (error as Error).message }, 'a drawing waits for the database')
        isFirst = false
      },
    })
  }

  #leave(reason: Interruption): void {
    this.#interrupt(reason)
    this.#left.abort()
  }

  #interrupt(reason: Interruption): void {
    this.#interrupted.abort(reason)
  }
}

const rowOf = ({ input: _, start: __, state: ___, stopRequested: ____, ...row }: SavedRun): RunRow => row

const lossOf = ({ embedding }: GradientRow, prompts: readonly WeightedVector[]) =>
  weightedMean(prompts, ({ vector }) => promptLoss(loss, cosine(embedding, vector)))

async function frameOf(painter: PainterClient, step: number, loss: number): Promise<RunFrame> {
  const { svg, preview } = await painter.frame()
  return {
    step,
    loss,
    svg,
    preview: preview.png,
    previewWidth: preview.width,
    previewHeight: preview.height,
  }
}
