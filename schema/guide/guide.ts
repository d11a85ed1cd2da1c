import type { GraphQLResolveInfo } from 'graphql'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput, ItemError } from '../../workers/errors.ts'
import type { Guided, GuideRequest, Term } from '../../workers/guidance/guide.ts'
import { promptLoss } from '../../workers/guidance/loss.ts'
import { limits } from '../../workers/limits.ts'
import { dot } from '../../workers/similarity/vectors.ts'
import { weightedMean } from '../../workers/similarity/weighted.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { counted } from '../core/cost.ts'
import { asRequestError } from '../core/errors.ts'
import { argumentImage, ImageData, type ImageDataObject, pngData } from '../core/image-data.ts'
import { ImageInput } from '../core/inputs.ts'
import {
  givenPrompts,
  type Prompt,
  PromptInput,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from '../core/prompts.ts'
import { packVector, type VectorFormat } from '../core/vector.ts'
import { vectorFormatArg } from '../embed.ts'
import { Model } from '../models.ts'

export const GuidanceLoss = builder.enumType('GuidanceLoss', {
  description: 'How far an image is from a prompt.',
  values: {
    SPHERICAL: {
      description: '2 asin(|x - y| / 2)^2 of the unit vectors: half of the squared angle between them.',
    },
    COSINE: { description: '1 - cosine.' },
  },
})

const GuideOptions = builder.inputType('GuideOptions', {
  description: 'How an image is looked at.',
  fields: (t) => ({
    cutouts: t.int({
      defaultValue: 0,
      description: `Views of the image averaged per step (random crops and small warps, from the seed), at most ${limits.cutouts}. 0: the plain image only.`,
    }),
    seed: t.int({ defaultValue: 0, description: 'The same seed gives the same views.' }),
    loss: t.field({
      type: GuidanceLoss,
      defaultValue: 'SPHERICAL',
      description: 'How far an image is from a prompt.',
    }),
  }),
})

interface TermObject extends Term {
  promptIndex: number
}

const GuidanceTerm = builder.objectRef<TermObject>('GuidanceTerm').implement({
  description: "One prompt's part of the loss; means over the views.",
  fields: (t) => ({
    promptIndex: t.exposeInt('promptIndex', { description: 'Place of the prompt in the request.' }),
    weight: t.exposeFloat('weight', { description: 'As it was given.' }),
    similarity: t.exposeFloat('similarity', { description: 'Cosine of the image with the prompt.' }),
    loss: t.exposeFloat('loss', { description: 'How far the image is from the prompt, before weighting.' }),
  }),
})

interface PixelTensorObject {
  width: number
  height: number
  values: Float32Array
  format: VectorFormat
  normalise: boolean
}

const PixelTensor = builder.objectRef<PixelTensorObject>('PixelTensor').implement({
  description: 'A number for each channel of each pixel.',
  fields: (t) => ({
    width: t.exposeInt('width', {
      description: "In pixels: the image's, or what its SVG was rendered at.",
    }),
    height: t.exposeInt('height', {
      description: "In pixels: the image's, or what its SVG was rendered at.",
    }),
    channels: t.int({ description: '3: red, green, blue.', resolve: () => 3 }),
    data: t.field({
      type: 'Vector',
      description: 'Row-major RGB, packed.',
      resolve: ({ values, format, normalise }) => packVector(normalise ? rescaled(values) : values, format),
    }),
    l2: t.float({
      description: 'Euclidean length of the gradient, before normalising and packing.',
      resolve: ({ values }) => Math.sqrt(sumOfSquares(values)),
    }),
  }),
})

const sumOfSquares = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0)

/** To a root mean square of 1. */
function rescaled(values: Float32Array): Float32Array {
  const size = Math.sqrt(sumOfSquares(values) / values.length)
  return size > 0 ? values.map((v) => v / size) : values
}

interface HeatmapObject {
  columns: number
  rows: number
  values: number[]
  overlay: Uint8Array | null
}

const Heatmap = builder.objectRef<HeatmapObject>('Heatmap').implement({
  description: 'Where in an image something is seen.',
  fields: (t) => ({
    columns: t.exposeInt('columns', { description: 'Cells across.' }),
    rows: t.exposeInt('rows', { description: 'Cells down.' }),
    values: t.floatList({
      description: 'One value in 0..1 per cell, row-major; the largest is 1 unless nothing is seen.',
      complexity: 10,
      resolve: ({ values }) => values,
    }),
    png: t.field({
      type: ImageData,
      description:
        'The image in grey under the cells, dark blue where 0 to yellow where 1; at most 1,024 pixels long.',
      complexity: 20,
      resolve: ({ overlay }) => pngData(overlay!),
    }),
  }),
})

/** What a query selects is gathered while its fields begin, then computed at once. */
class GuidanceObject {
  readonly model: ServedModel
  readonly #image: Uint8Array
  readonly #prompts: readonly Prompt[]
  readonly #options: Pick<GuideRequest, 'loss' | 'cutouts' | 'seed'>
  readonly #context: Context
  readonly #wanted = {
    gradient: false,
    heatmaps: [] as GuideRequest['heatmaps'][number][],
    steps: [] as number[],
  }
  #result: Promise<Pick<Guided, 'loss' | 'terms'> & Partial<Guided>> | null = null

  constructor(
    model: ServedModel,
    image: Uint8Array,
    prompts: readonly Prompt[],
    options: Pick<GuideRequest, 'loss' | 'cutouts' | 'seed'>,
    context: Context,
  ) {
    this.model = model
    this.#image = image
    this.#prompts = prompts
    this.#options = options
    this.#context = context
  }

  async score(): Promise<Pick<Guided, 'loss' | 'terms'>> {
    return this.#compute()
  }

  async gradient() {
    this.#wanted.gradient = true
    const { width, height, gradient } = await this.#compute()
    return { width: width!, height: height!, values: gradient! }
  }

  async step(rate: number): Promise<Uint8Array> {
    const place = this.#wanted.steps.push(rate) - 1
    return (await this.#compute()).steps![place]!
  }

  async heatmap(asked: GuideRequest['heatmaps'][number]): Promise<HeatmapObject> {
    const place = this.#wanted.heatmaps.push(asked) - 1
    return (await this.#compute()).heatmaps![place]!
  }

  #compute() {
    // Fields of one object begin in one turn: all have said by then what they want.
    this.#result ??= Promise.resolve().then(() => this.#run())
    return this.#result
  }

  async #run(): Promise<Pick<Guided, 'loss' | 'terms'> & Partial<Guided>> {
    const { gradient, heatmaps, steps } = this.#wanted
    const { signal, guide } = this.#context
    try {
      if (!gradient && heatmaps.length === 0 && steps.length === 0 && this.#options.cutouts === 0)
        return await this.#forward()
      return await guide.guide(
        this.model.card,
        { ...this.#options, ...this.#wanted, image: this.#image, prompts: this.#prompts },
        { signal },
      )
    } catch (error) {
      throw error instanceof ItemError ? asRequestError(error, 'image') : error
    }
  }

  /** Loss and terms alone need no gradient: the encoder's way, with its cache. */
  async #forward(): Promise<Pick<Guided, 'loss' | 'terms'>> {
    const [encoded] = await this.#context.encode([{ image: this.#image }], this.model)
    if (encoded instanceof ItemError) throw encoded
    const terms = this.#prompts.map(({ vector, weight }) => {
      const similarity = dot(vector, encoded!.vector)
      return { weight, similarity, loss: promptLoss(this.#options.loss, similarity) }
    })
    return { terms, loss: weightedMean(terms, ({ loss }) => loss) }
  }
}

const Guidance = builder.objectRef<GuidanceObject>('Guidance').implement({
  description:
    'How an image fits prompts, and how it would have to change. Only what is selected is computed.',
  fields: (t) => ({
    model: t.field({ type: Model, description: 'The model that was asked.', resolve: ({ model }) => model }),
    loss: t.float({
      description: 'Sum over prompts of weight x loss, divided by the sum of |weight|: lower fits better.',
      resolve: async (guidance) => (await guidance.score()).loss,
    }),
    terms: t.field({
      type: [GuidanceTerm],
      description: "Each prompt's part.",
      complexity: { field: 0, multiplier: 1 },
      resolve: async (guidance) =>
        (await guidance.score()).terms.map((term, promptIndex) => ({ ...term, promptIndex })),
    }),
    gradient: t.field({
      type: PixelTensor,
      description:
        "d loss / d pixel of the image as given (its own width x height, RGB in 0..1), row-major RGB. An SVG smaller than the model's input is rendered at that size, and the gradient is that image's. Computed only when asked for.",
      args: {
        format: t.arg({ ...vectorFormatArg, defaultValue: 'FLOAT16' }),
        normalise: t.arg.boolean({
          required: true,
          defaultValue: false,
          description:
            'Scaled to a root mean square of 1: what a step wants, and what FLOAT16 keeps best. Numbers below 6e-8 are lost otherwise, and a large image has many; l2 / sqrt(width x height x 3) scales back.',
        }),
      },
      complexity: 100,
      resolve: async (guidance, { format, normalise }) => ({
        ...(await guidance.gradient()),
        format,
        normalise,
      }),
    }),
    heatmap: t.field({
      type: Heatmap,
      description:
        'Where the prompts are seen: one value in 0..1 per cell, row-major. Feature x gradient at the last layer that tells places apart (HiResCAM, Draelos and Carin 2020).',
      args: {
        columns: t.arg.int({
          description: `Cells across, at most ${limits.heatmapCells}; as many as the model tells apart when absent.`,
        }),
        rows: t.arg.int({
          description: `Cells down, at most ${limits.heatmapCells}; as many as the model tells apart when absent.`,
        }),
      },
      complexity: 100,
      resolve: (guidance, { columns, rows }, _context, info) => {
        const cells = (name: string, value: number | null | undefined) => {
          if (value != null && !(value >= 1 && value <= limits.heatmapCells))
            throw new BadUserInput(`${name} is ${value}; 1 to ${limits.heatmapCells} cells can be asked for.`)
          return value ?? null
        }
        const asked = {
          columns: cells('columns', columns),
          rows: cells('rows', rows),
          overlay: selects(info, 'png'),
        }
        return guidance.heatmap(asked)
      },
    }),
    step: t.field({
      type: ImageData,
      description: 'The image after one step against the gradient, as PNG.',
      args: {
        rate: t.arg.float({
          required: true,
          defaultValue: 0.02,
          description: 'Root mean square of the change, RGB in 0..1; more than 0, at most 1.',
        }),
      },
      complexity: 100,
      resolve: async (guidance, { rate }): Promise<ImageDataObject> => {
        if (!(rate > 0 && rate <= 1))
          throw new BadUserInput(`rate is ${rate}; it must be above 0 and at most 1.`)
        return pngData(await guidance.step(rate))
      },
    }),
  }),
})

/** Whether a field may be selected below this one; fragments count as selecting it. */
function selects({ fieldNodes }: GraphQLResolveInfo, name: string): boolean {
  return fieldNodes.some(({ selectionSet }) =>
    selectionSet?.selections.some((s) => s.kind !== 'Field' || s.name.value === name),
  )
}

builder.queryFields((t) => ({
  guide: t.field({
    type: Guidance,
    description:
      'How well an image fits weighted prompts, where it does, and the gradient that would make it fit better.',
    args: {
      image: t.arg({
        type: ImageInput,
        required: true,
        description: `The image, at most ${limits.guidePixels.toLocaleString('en')} pixels.`,
      }),
      prompt: t.arg.string({ description: promptDescription }),
      prompts: t.arg({ type: [PromptInput], description: promptsDescription }),
      options: t.arg({ type: GuideOptions, description: 'How the image is looked at.' }),
      model: t.arg.id({
        description: 'The default model when absent. Its canGuide must be true for more than loss and terms.',
      }),
    },
    complexity: ({ prompts, options }) => ({
      field:
        10 +
        5 * counted(prompts?.length ?? 1, limits.prompts) +
        10 * counted(options?.cutouts ?? 0, limits.cutouts),
      multiplier: 1,
    }),
    resolve: async (_root, { image, prompt, prompts: weighted, options, model: name }, context) => {
      const asked = givenPrompts(prompt, weighted)
      const cutouts = options?.cutouts ?? 0
      if (!(cutouts >= 0 && cutouts <= limits.cutouts))
        throw new BadUserInput(`options.cutouts is ${cutouts}; 0 to ${limits.cutouts} can be asked for.`)
      const model = await context.catalogue.get(name)
      const [bytes, prompts] = await Promise.all([
        argumentImage(image, 'image', context),
        resolvePrompts(asked, model, context),
      ])
      const loss = options?.loss ?? 'SPHERICAL'
      return new GuidanceObject(model, bytes, prompts, { loss, cutouts, seed: options?.seed ?? 0 }, context)
    },
  }),
}))
