/** The guide whose models and images live in threads of this process. */

import { BadUserInput, GraphError } from '../errors.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { limits } from '../limits.ts'
import { type Log, silent } from '../log.ts'
import type { ModelCard } from '../registry/card.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { Admission } from '../runtime/admission.ts'
import { defaultMaxBatch } from '../runtime/batcher.ts'
import type { Provider } from '../runtime/provider.ts'
import { Semaphore } from '../runtime/semaphore.ts'
import { concat, cosine } from '../similarity/vectors.ts'
import { weightedMean } from '../similarity/weighted.ts'
import type { GradientRow } from './gradient-batcher.ts'
import { GradientModels } from './gradient-models.ts'
import type { Guide, Guided, GuideOptions, GuideRequest, Heatmap, HeatmapRequest, Term } from './guide.ts'
import { cellsOf } from './heatmap.ts'
import { ImageClient, type RemoteImage } from './image-client.ts'
import { promptLoss } from './loss.ts'

export interface LocalGuideOptions {
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

/** Views that are made before the first of them is answered: bounds the memory of an image with many cutouts. */
const viewsAtOnce = 32

/** Images that are open at once; each may take some 150 MB. */
const maxOpenImages = 4

/** The embedding and heat of a view; its gradient has gone back to the image. */
type View = Pick<GradientRow, 'embedding' | 'heat'>

export class LocalGuide implements Guide {
  readonly #resolve: (model: ModelCard) => Promise<ModelSpec>
  readonly #limits: ImageLimits
  readonly #admission: Admission
  readonly #openImages = new Semaphore(maxOpenImages)
  readonly #models: GradientModels
  readonly #images = new ImageClient()

  constructor(options: LocalGuideOptions) {
    this.#resolve = options.resolve
    this.#limits = { ...(options.limits ?? defaultLimits), pixels: limits.guidePixels }
    this.#admission = new Admission(options.queueLimit ?? 512)
    this.#models = new GradientModels({
      cacheFolder: options.cacheFolder,
      provider: options.provider ?? 'auto',
      maxBatch: options.maxBatch ?? defaultMaxBatch.gradient,
      threads: options.threads,
      idleMs: options.idleMs ?? 600_000,
      log: options.log ?? silent,
      onBatch: options.onBatch ?? (() => {}),
    })
  }

  unsupportedReason(model: ModelCard): Promise<string | null> {
    return this.#models.unsupportedReason(model.revision, () => this.#resolve(model))
  }

  async guide(model: ModelCard, request: GuideRequest, options: GuideOptions = {}): Promise<Guided> {
    const spec = await this.#resolve(model)
    options.signal?.throwIfAborted()
    const views = Math.max(1, request.cutouts)
    this.#admission.enter(views)
    try {
      await this.#models.file(spec).catch((error) => {
        if (!(error instanceof GraphError)) throw error
        throw new BadUserInput(`Model "${spec.name}" cannot guide. ${error.message}`)
      })
      return await this.#openImages.run(() => this.#guide(spec, request, options))
    } finally {
      this.#admission.leave(views)
    }
  }

  async gradients(
    model: ModelCard,
    views: Float32Array,
    objective: Pick<GuideRequest, 'prompts' | 'loss'>,
    options: GuideOptions & { bucket: string },
  ): Promise<GradientRow[]> {
    return this.#models.evaluate(await this.#resolve(model), views, objective, options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#images.close(), this.#models.close()])
  }

  async #guide(spec: ModelSpec, request: GuideRequest, options: GuideOptions): Promise<Guided> {
    // The request may have waited for others.
    options.signal?.throwIfAborted()
    const image = await this.#images.open(request.image, spec.image, this.#limits)
    try {
      options.signal?.throwIfAborted()
      const views = await this.#evaluateViews(spec, image, request, options)
      const terms = termsOf(views, request)
      const guided: Guided = {
        width: image.width,
        height: image.height,
        terms,
        loss: weightedMean(terms, ({ loss }) => loss),
        gradient: null,
        heatmaps: [],
        steps: [],
      }
      const heat =
        request.heatmaps.length === 0 ? null : await this.#wholeHeat(spec, image, views, request, options)
      if (needsGradient(request)) guided.gradient = await image.gradient()
      for (const rate of request.steps) guided.steps.push(await image.step(rate))
      for (const heatmap of request.heatmaps)
        guided.heatmaps.push(await this.#heatmap(spec, image, heat, heatmap))
      return guided
    } finally {
      image.close()
    }
  }

  /** Evaluates the request's views, some at a time, and brings their gradients back to the image. */
  async #evaluateViews(
    spec: ModelSpec,
    image: RemoteImage,
    request: GuideRequest,
    options: GuideOptions,
  ): Promise<View[]> {
    await image.sampleCutouts(request.cutouts, request.seed)
    const views: View[] = []
    const count = Math.max(1, request.cutouts)
    for (let from = 0; from < count; from += viewsAtOnce) {
      options.signal?.throwIfAborted()
      const pixels = await image.views(from, Math.min(count, from + viewsAtOnce))
      const rows = await this.#models.evaluate(spec, pixels, request, { ...options, bucket: '' })
      if (needsGradient(request)) await image.accumulate(from, concat(rows.map(({ gradient }) => gradient)))
      views.push(...rows.map(({ embedding, heat }) => ({ embedding, heat })))
    }
    return views
  }

  /** A heatmap needs the heat of the whole image, which is none of the cutouts. */
  async #wholeHeat(
    spec: ModelSpec,
    image: RemoteImage,
    views: readonly View[],
    request: GuideRequest,
    options: GuideOptions,
  ): Promise<Float32Array | null> {
    if (request.cutouts === 0) return views[0]!.heat
    const [row] = await this.#models.evaluate(spec, await image.plain(), request, { ...options, bucket: '' })
    return row!.heat
  }

  async #heatmap(
    spec: ModelSpec,
    image: RemoteImage,
    heat: Float32Array | null,
    request: HeatmapRequest,
  ): Promise<Heatmap> {
    const { heat: grid } = await this.#models.file(spec)
    if (!grid || !heat)
      throw new BadUserInput(`Model "${spec.name}" does not tell places apart: it has no heatmap.`)
    const columns = request.columns ?? grid.columns
    const rows = request.rows ?? grid.rows
    const values = cellsOf(heat, grid, image, spec.image, { columns, rows }, request.peak)
    const overlay = request.overlay ? await image.overlay(values, columns, rows) : null
    return { columns, rows, values, overlay }
  }
}

const needsGradient = ({ gradient, steps }: GuideRequest) => gradient || steps.length > 0

function termsOf(views: readonly View[], { prompts, loss }: GuideRequest): Term[] {
  return prompts.map(({ vector, weight }) => {
    const cosines = views.map(({ embedding }) => cosine(embedding, vector))
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    return {
      weight,
      similarity: mean(cosines),
      loss: mean(cosines.map((cosine) => promptLoss(loss, cosine))),
    }
  })
}
