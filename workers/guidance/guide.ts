import type { Priority } from '../runtime/queue.ts'
/** The guide operation: how well an image fits weighted prompts, and how each of its pixels would have to change. */

import { chooseProvider } from '../encode/choose-provider.ts'
import { BadUserInput, GraphError, ItemError } from '../errors.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { limits } from '../limits.ts'
import { type Log, silent } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { Admission } from '../runtime/admission.ts'
import { ModelCache } from '../runtime/model-cache.ts'
import type { Provider } from '../runtime/provider.ts'
import { Semaphore } from '../runtime/semaphore.ts'
import { Session } from '../runtime/session.ts'
import { cosine } from '../similarity/vectors.ts'
import { totalWeight, type WeightedVector, weightedMean } from '../similarity/weighted.ts'
import { concat } from './arrays.ts'
import { gradientUnsupportedReason } from './derive-gradient.ts'
import { createGradientBatcher, type GradientBatcher, type GradientRow } from './gradient-batcher.ts'
import { type GradientFile, gradientFile, visionFile } from './gradient-file.ts'
import { cellsOf } from './heatmap.ts'
import type { ImageResult, ImageTask } from './image-thread.ts'
import { type LossKind, promptLoss } from './loss.ts'

export interface GuideRequest {
  image: Uint8Array
  /** Unit vectors and what they weigh; the |weights| sum to more than 0. */
  prompts: readonly WeightedVector[]
  loss: LossKind
  /** Random views that are averaged; 0 is the image itself. */
  cutouts: number
  seed: number
  /** What is asked for beside the terms. */
  gradient: boolean
  heatmaps: readonly { columns: number | null; rows: number | null; overlay: boolean }[]
  /** Rates of the steps, the change of the image in the root mean square, RGB in 0..1. */
  steps: readonly number[]
}

export interface GuideOptions {
  priority?: Priority
  signal?: AbortSignal
}

export interface Guided {
  width: number
  height: number
  terms: Term[]
  /** Sum of weight x loss over the prompts, divided by the sum of |weight|. */
  loss: number
  /** [height, width, 3], d loss / d RGB in 0..1. */
  gradient: Float32Array | null
  heatmaps: { columns: number; rows: number; values: number[]; overlay: Uint8Array | null }[]
  /** PNG files, in the order of the rates. */
  steps: Uint8Array[]
}

/** One prompt's part; means over the views. */
export interface Term {
  weight: number
  similarity: number
  loss: number
}

export interface Guide {
  /** Null when the model can guide, else why not. */
  unsupportedReason(model: ModelCard): Promise<string | null>
  /** @throws ItemError for the image, BadUserInput when the model cannot guide, Overloaded, the signal's reason */
  guide(model: ModelCard, request: GuideRequest, options?: GuideOptions): Promise<Guided>
  /**
   * Embeddings and gradients of views, the encoder's inputs one after the other: for what makes its own. Views of one
   * bucket share batches with each other alone, so that nobody else's changes the last digits.
   */
  gradients(
    model: ModelCard,
    views: Float32Array,
    asked: Pick<GuideRequest, 'prompts' | 'loss'>,
    options: GuideOptions & { bucket: string },
  ): Promise<GradientRow[]>
  close(): Promise<void>
}

export interface CreateGuideOptions {
  /** The folder of a model. @throws ModelNotFound, ModelFolderError */
  resolve(model: ModelCard): Promise<ModelSpec>
  cacheFolder: string
  provider?: Provider | 'auto'
  /** Views that may be admitted and not yet answered. */
  queueLimit?: number
  maxBatch?: number
  threads?: number
  idleMs?: number
  limits?: ImageLimits
  log?: Log
  onBatch?(model: string, size: number, seconds: number): void
}

const { guidePixels } = limits

/** Views that are made before the first of them is answered: what an image of many cutouts takes of the memory. */
const viewsAtOnce = 32

/** Images that are open at once; each may take some 150 MB. */
const openAtOnce = 4

/** A derived graph is made, and held, for each model that is asked to guide. */
export function createGuide(settings: CreateGuideOptions): Guide {
  const { cacheFolder, log = silent, idleMs = 600_000, maxBatch = 8 } = settings
  const limits = { ...(settings.limits ?? defaultLimits), pixels: guidePixels }
  const admission = new Admission(settings.queueLimit ?? 512)
  const permits = new Semaphore(openAtOnce)
  const files = new Map<string, Promise<GradientFile>>()
  const reasons = new Map<string, Promise<string | null>>()
  const slots = new ModelCache<ModelSpec, GradientBatcher>({
    load: load,
    idleMs,
    isPinned: () => false,
    onClosed: (name) => log.info({ model: name }, 'gradient unloaded: idle'),
  })
  let thread: Promise<ImageSession> | null = null
  let images = 0

  function file(spec: ModelSpec): Promise<GradientFile> {
    const known = files.get(spec.revision)
    if (known) return known
    const begun = performance.now()
    const made = gradientFile(spec, cacheFolder)
    made.then(
      () => log.info({ model: spec.name, ms: Math.round(performance.now() - begun) }, 'gradient derived'),
      (err) => {
        log.info({ model: spec.name, err }, 'the model cannot guide')
        // What is wrong with the graph stays wrong; anything else is tried again.
        if (!(err instanceof GraphError)) files.delete(spec.revision)
      },
    )
    files.set(spec.revision, made)
    return made
  }

  async function load(spec: ModelSpec): Promise<GradientBatcher> {
    const derived = await file(spec)
    const wanted = await chooseProvider(spec, settings.provider ?? 'auto', cacheFolder, log)
    const open = (provider: Provider) =>
      createGradientBatcher(spec, derived, {
        provider,
        threads: settings.threads,
        maxBatch,
        onBatch: (size, seconds) => settings.onBatch?.(spec.name, size, seconds),
        onFailure: (err) => log.warn({ model: spec.name, err }, 'the gradient fails on an image'),
      })
    if (wanted === 'cpu') return open('cpu')
    return open(wanted).catch((err) => {
      log.warn({ model: spec.name, provider: wanted, err }, 'the gradient runs on the cpu instead')
      return open('cpu')
    })
  }

  /** The thread for images, started when first needed and again when it has died. */
  async function imageThread(): Promise<ImageSession> {
    thread ??= Session.load(new URL('./image-thread.ts', import.meta.url), null)
    const held = thread
    const forget = () => {
      if (thread === held) thread = null
    }
    const session = await held.catch((error) => {
      forget()
      throw error
    })
    if (session.alive) return session
    forget()
    return imageThread()
  }

  async function perform(session: ImageSession, task: ImageTask): Promise<NonNullable<ImageResult>> {
    const { output } = await session.run(task)
    if (output && 'refused' in output) throw new ItemError(output.refused.code, output.refused.message)
    return output ?? { width: 0, height: 0 }
  }

  async function evaluate(spec: ModelSpec, request: GuideRequest, options: GuideOptions): Promise<Guided> {
    const { signal, priority = 'interactive' } = options
    // It may have waited for others.
    signal?.throwIfAborted()
    const session = await imageThread()
    const image = images++
    try {
      const size = await perform(session, {
        task: 'open',
        image,
        bytes: request.image,
        spec: spec.image,
        limits,
      })
      const { width, height } = size as { width: number; height: number }
      signal?.throwIfAborted()
      const { cutouts, seed } = request
      const asked = { signal, priority, bucket: '' }
      /** A map of places needs the whole image. */
      const wholeHeat = async () => {
        const [row] = await evaluateViews(
          spec,
          floatsOf(await perform(session, { task: 'plain', image })),
          request,
          asked,
        )
        return row!.heat
      }
      const backwards = request.gradient || request.steps.length > 0
      await perform(session, { task: 'cut', image, cutouts, seed })
      const seen: Pick<GradientRow, 'embedding' | 'heat'>[] = []
      const count = Math.max(1, cutouts)
      for (let from = 0; from < count; from += viewsAtOnce) {
        signal?.throwIfAborted()
        const to = Math.min(count, from + viewsAtOnce)
        const views = floatsOf(await perform(session, { task: 'views', image, from, to }))
        const rows = await evaluateViews(spec, views, request, asked)
        if (backwards) {
          const gradients = concat(rows.map(({ gradient }) => gradient))
          await perform(session, { task: 'take', image, from, gradients })
        }
        seen.push(...rows.map(({ embedding, heat }) => ({ embedding, heat })))
      }
      const heat = request.heatmaps.length === 0 ? null : cutouts === 0 ? seen[0]!.heat : await wholeHeat()
      const terms = termsOf(seen, request)
      const guided: Guided = {
        width,
        height,
        terms,
        loss: weightedMean(terms, ({ loss }) => loss),
        gradient: null,
        heatmaps: [],
        steps: [],
      }
      if (backwards) guided.gradient = floatsOf(await perform(session, { task: 'gradient', image }))
      for (const rate of request.steps)
        guided.steps.push(pngOf(await perform(session, { task: 'step', image, rate })))
      for (const asked of request.heatmaps) {
        const { heat: grid } = await file(spec)
        if (!grid || !heat)
          throw new BadUserInput(`Model "${spec.name}" does not tell places apart: it has no heatmap.`)
        const cells = { columns: asked.columns ?? grid.columns, rows: asked.rows ?? grid.rows }
        const values = cellsOf(heat, grid, { width, height }, spec.image, cells)
        const overlay = asked.overlay
          ? pngOf(await perform(session, { task: 'overlay', image, values, ...cells }))
          : null
        guided.heatmaps.push({ ...cells, values, overlay })
      }
      return guided
    } finally {
      if (session.alive) void session.run({ task: 'close', image }).catch(() => {})
    }
  }

  /** Each view through the derived graph, in batches with whoever else is guiding. */
  function evaluateViews(
    spec: ModelSpec,
    views: Float32Array,
    { prompts, loss }: Pick<GuideRequest, 'prompts' | 'loss'>,
    { signal, priority = 'interactive', bucket }: GuideOptions & { bucket: string },
  ): Promise<GradientRow[]> {
    const total = totalWeight(prompts)
    const shares = prompts.map(({ vector, weight }) => ({ vector, weight: weight / total }))
    const size = spec.image.width * spec.image.height * 3
    const since = performance.now()
    return slots.with(spec, (lane) => {
      const rows = Array.from({ length: views.length / size }, (_, i) => {
        const row = Promise.withResolvers<GradientRow>()
        lane.push({
          pixels: views.subarray(i * size, (i + 1) * size),
          prompts: shares,
          spherical: loss === 'SPHERICAL',
          bucket,
          priority,
          since,
          hasWaiters: () => !signal?.aborted,
          settle: (result) => (result instanceof Error ? row.reject(result) : row.resolve(result)),
        })
        return row.promise
      })
      return orAborted(Promise.all(rows), signal)
    })
  }

  return {
    unsupportedReason(model) {
      const known = reasons.get(model.revision)
      if (known) return known
      const found = settings.resolve(model).then((spec) => gradientUnsupportedReason(visionFile(spec)))
      reasons.set(model.revision, found)
      found.catch(() => reasons.delete(model.revision))
      return found
    },
    async guide(model, request, options = {}) {
      const spec = await settings.resolve(model)
      options.signal?.throwIfAborted()
      const views = Math.max(1, request.cutouts)
      admission.enter(views)
      try {
        await file(spec).catch((error) => {
          if (!(error instanceof GraphError)) throw error
          throw new BadUserInput(`Model "${spec.name}" cannot guide. ${error.message}`)
        })
        return await permits.run(() => evaluate(spec, request, options))
      } finally {
        admission.leave(views)
      }
    },
    gradients: async (model, views, asked, options) =>
      evaluateViews(await settings.resolve(model), views, asked, options),
    async close() {
      const held = await thread?.catch(() => null)
      await Promise.all([held?.close(), slots.close()])
    },
  }
}

type ImageSession = Session<ImageTask, ImageResult, null>

const floatsOf = (result: ImageResult) => (result as { floats: Float32Array }).floats
const pngOf = (result: ImageResult) => (result as { png: Uint8Array }).png

function termsOf(rows: readonly Pick<GradientRow, 'embedding'>[], { prompts, loss }: GuideRequest): Term[] {
  return prompts.map(({ vector, weight }) => {
    const cosines = rows.map(({ embedding }) => cosine(embedding, vector))
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    return {
      weight,
      similarity: mean(cosines),
      loss: mean(cosines.map((cosine) => promptLoss(loss, cosine))),
    }
  })
}

/** What nobody wants any more is dropped from the queue without an answer: the signal answers for it. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  const gone = Promise.withResolvers<never>()
  const abort = () => gone.reject(signal.reason)
  // Its event comes once, and may have come before.
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([work, gone.promise]).finally(() => signal.removeEventListener('abort', abort))
}
