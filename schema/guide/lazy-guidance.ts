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

/** With `present` where a heatmap is asked for. */
type Result = Score & Partial<Guided> & { present?: number | null }

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
  #result: Promise<Result> | null = null
  #presence: Promise<(number | null)[]> | null = null

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

  /** A map of what the image does not show stays dark: its warmest cell has the value of `present`. */
  async heatmap(request: HeatmapRequest): Promise<Heatmap & { present: number | null }> {
    const index = this.#heatmaps.push(request) - 1
    const { heatmaps, present } = await this.#compute()
    return { ...heatmaps![index]!, present: present! }
  }

  /** The probability that the image shows what each prompt says; null where the model, or the prompt, has none. */
  present(): Promise<(number | null)[]> {
    this.#presence ??= this.#judge()
    return this.#presence
  }

  #compute(): Promise<Result> {
    // The fields of one object begin in one turn: after it, all selections are known.
    this.#result ??= Promise.resolve().then(() => this.#run())
    return this.#result
  }

  async #run(): Promise<Result> {
    const { model, image, prompts, loss, cutouts, seed } = this.#options
    const { signal, guide } = this.#context
    const [gradient, heatmaps, steps] = [this.#gradient, this.#heatmaps, this.#steps]
    try {
      if (!this.#needsGuide()) return await this.#encode()
      const present = heatmaps.length > 0 ? ofAttracting(prompts, await this.present()) : null
      const peaked = present === null ? heatmaps : heatmaps.map((one) => ({ ...one, peak: present }))
      const request = { image, prompts, loss, cutouts, seed, gradient, heatmaps: peaked, steps }
      return { ...(await guide.guide(model.card, request, { signal })), present }
    } catch (error) {
      return imageErrorAsRequestError(error)
    }
  }

  #needsGuide(): boolean {
    return this.#gradient || this.#heatmaps.length > 0 || this.#steps.length > 0 || this.#options.cutouts > 0
  }

  async #judge(): Promise<(number | null)[]> {
    const { model, prompts } = this.#options
    const judge = await this.#context.relevance.of(model.card)
    if (!judge) return prompts.map(() => null)
    const { terms } = await this.#encode()
    return prompts.map((prompt, n) => judge.present(prompt, terms[n]!.similarity))
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

/** Of the prompts that attract, the one that is there most probably; null where one of them cannot be judged. */
function ofAttracting(prompts: readonly Prompt[], present: readonly (number | null)[]): number | null {
  const attracting = present.filter((_, n) => prompts[n]!.weight > 0)
  if (attracting.length === 0 || attracting.includes(null)) return null
  return Math.max(...attracting.map((one) => one!))
}
