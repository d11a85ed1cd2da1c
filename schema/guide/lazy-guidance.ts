import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { ItemError } from '../../workers/errors.ts'
import type { Guided, GuideRequest, Heatmap, HeatmapRequest } from '../../workers/guidance/guide.ts'
import { promptLoss } from '../../workers/guidance/loss.ts'
import { dot } from '../../workers/similarity/vectors.ts'
import { weightedMean } from '../../workers/similarity/weighted.ts'
import type { Context } from '../core/context.ts'
import { asRequestError } from '../core/errors.ts'
import type { Prompt } from '../core/prompts.ts'

type Score = Pick<Guided, 'loss' | 'terms'>

export interface LazyGuidanceOptions extends Pick<GuideRequest, 'loss' | 'cutouts' | 'seed'> {
  model: ServedModel
  image: Uint8Array
  prompts: readonly Prompt[]
}

/** Collects what a query's fields select while they begin, then computes all of it at once. */
export class LazyGuidance {
  readonly model: ServedModel
  readonly #options: LazyGuidanceOptions
  readonly #context: Context
  #gradient = false
  readonly #heatmaps: HeatmapRequest[] = []
  readonly #steps: number[] = []
  #result: Promise<Score & Partial<Guided>> | null = null

  constructor(options: LazyGuidanceOptions, context: Context) {
    this.model = options.model
    this.#options = options
    this.#context = context
  }

  /** Of the plain image it is known without the gradients, whose failure is their fields' own. */
  async score(): Promise<Score> {
    try {
      return await this.#compute()
    } catch (error) {
      if (this.#options.cutouts > 0 || !this.#needsGuide()) throw error
      return this.#encode().catch(imageErrorAsRequestError)
    }
  }

  async gradient(): Promise<{ width: number; height: number; values: Float32Array }> {
    this.#gradient = true
    const { width, height, gradient } = await this.#compute()
    return { width: width!, height: height!, values: gradient! }
  }

  async step(rate: number): Promise<Uint8Array> {
    const index = this.#steps.push(rate) - 1
    return (await this.#compute()).steps![index]!
  }

  async heatmap(request: HeatmapRequest): Promise<Heatmap> {
    const index = this.#heatmaps.push(request) - 1
    return (await this.#compute()).heatmaps![index]!
  }

  #compute(): Promise<Score & Partial<Guided>> {
    // The fields of one object begin in one turn: after it, all selections are known.
    this.#result ??= Promise.resolve().then(() => this.#run())
    return this.#result
  }

  async #run(): Promise<Score & Partial<Guided>> {
    const { model, image, prompts, loss, cutouts, seed } = this.#options
    const { signal, guide } = this.#context
    const [gradient, heatmaps, steps] = [this.#gradient, this.#heatmaps, this.#steps]
    try {
      if (!this.#needsGuide()) return await this.#encode()
      const request = { image, prompts, loss, cutouts, seed, gradient, heatmaps, steps }
      return await guide.guide(model.card, request, { signal })
    } catch (error) {
      return imageErrorAsRequestError(error)
    }
  }

  #needsGuide(): boolean {
    return this.#gradient || this.#heatmaps.length > 0 || this.#steps.length > 0 || this.#options.cutouts > 0
  }

  /** Loss and terms alone need no gradient: the encoder, with its cache, is enough. */
  async #encode(): Promise<Score> {
    const { model, image, prompts, loss } = this.#options
    const [encoded] = await this.#context.encode([{ image }], model)
    if (encoded instanceof ItemError) throw encoded
    const terms = prompts.map(({ vector, weight }) => {
      const similarity = dot(vector, encoded!.vector)
      return { weight, similarity, loss: promptLoss(loss, similarity) }
    })
    return { terms, loss: weightedMean(terms, ({ loss }) => loss) }
  }
}

function imageErrorAsRequestError(error: unknown): never {
  throw error instanceof ItemError ? asRequestError(error, 'image') : error
}
