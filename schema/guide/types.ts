/** GraphQL types of the guide operation. */
import type { GraphQLResolveInfo } from 'graphql'
import { BadUserInput } from '../../workers/errors.ts'
import type { Heatmap as HeatmapObject, Term } from '../../workers/guidance/guide.ts'
import { limits } from '../../workers/limits.ts'
import { norm, toUnitRms } from '../../workers/similarity/vectors.ts'
import { builder } from '../core/builder.ts'
import { ImageData, type ImageDataObject, pngData } from '../core/image-data.ts'
import { packVector, type VectorFormat } from '../core/vector.ts'
import { vectorFormatArg } from '../embed.ts'
import { Model } from '../models.ts'
import type { LazyGuidance } from './lazy-guidance.ts'

const GuidanceLoss = builder.enumType('GuidanceLoss', {
  description: 'The measure of how far an image is from a prompt.',
  values: {
    SPHERICAL: {
      description: '2 asin(|x - y| / 2)^2 of the unit vectors: half of the squared angle between them.',
    },
    COSINE: { description: '1 - cosine.' },
  },
})

export const GuideOptions = builder.inputType('GuideOptions', {
  description: 'How the image is evaluated.',
  fields: (t) => ({
    cutouts: t.int({
      defaultValue: 0,
      description: `Number of random views of the image (crops and small warps, from the seed) to average over, at most ${limits.cutouts}. 0 evaluates the plain image only.`,
    }),
    seed: t.int({ defaultValue: 0, description: 'The same seed gives the same views.' }),
    loss: t.field({
      type: GuidanceLoss,
      defaultValue: 'SPHERICAL',
      description: 'The measure of how far the image is from a prompt.',
    }),
  }),
})

interface TermObject extends Term {
  promptIndex: number
  /** Of all prompts; judged when the first term asks. */
  presences(): Promise<(number | null)[]>
}

const GuidanceTerm = builder.objectRef<TermObject>('GuidanceTerm').implement({
  description: "One prompt's share of the loss, averaged over the views.",
  fields: (t) => ({
    promptIndex: t.exposeInt('promptIndex', {
      description: 'Index of the prompt in the request, in which prompt comes before prompts.',
    }),
    weight: t.exposeFloat('weight', { description: 'The weight given in the request.' }),
    similarity: t.exposeFloat('similarity', { description: 'Cosine similarity of image and prompt.' }),
    loss: t.exposeFloat('loss', { description: 'How far the image is from the prompt, before weighting.' }),
    present: t.float({
      nullable: true,
      description:
        'The probability, 0 to 1, that the image as given shows what the prompt says, anywhere in it. Null where the prompt is no text, and where the model has no fit for it.',
      resolve: async ({ promptIndex, presences }) => (await presences())[promptIndex]!,
    }),
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
      description: 'Width in pixels of the image, or of the rendered SVG.',
    }),
    height: t.exposeInt('height', {
      description: 'Height in pixels of the image, or of the rendered SVG.',
    }),
    channels: t.int({ description: '3: red, green, blue.', resolve: () => 3 }),
    data: t.field({
      type: 'Vector',
      description: 'Row-major RGB, packed.',
      resolve: ({ values, format, normalise }) => packVector(normalise ? toUnitRms(values) : values, format),
    }),
    l2: t.float({
      description: 'L2 norm of the gradient, before normalising and packing.',
      resolve: ({ values }) => norm(values),
    }),
  }),
})

const Heatmap = builder.objectRef<HeatmapObject & { present: number | null }>('Heatmap').implement({
  description: 'Where in an image the prompts are seen.',
  fields: (t) => ({
    columns: t.exposeInt('columns', { description: 'Number of cells across.' }),
    rows: t.exposeInt('rows', { description: 'Number of cells down.' }),
    values: t.floatList({
      description:
        'One value in 0..1 per cell, row-major. The largest is `present`, or 1 where that is null, unless nothing is seen: what is not in the image does not light up.',
      complexity: 10,
      resolve: ({ values }) => values,
    }),
    present: t.exposeFloat('present', {
      nullable: true,
      description:
        'The probability, 0 to 1, that the image shows the attracting prompt at all; of several, the one that it shows most probably. Divide values by it for a map that always reaches 1. Null where an attracting prompt is no text, and where the model has no fit for it.',
    }),
    png: t.field({
      type: ImageData,
      description:
        'The image in grey with the cells over it, from dark blue for 0 to yellow for 1; its longer edge is at most 1,024 pixels.',
      complexity: 20,
      resolve: ({ overlay }) => pngData(overlay!),
    }),
  }),
})

export const Guidance = builder.objectRef<LazyGuidance>('Guidance').implement({
  description:
    'How well an image fits prompts, and how it would have to change. Computes only what is selected.',
  fields: (t) => ({
    model: t.field({
      type: Model,
      description: 'The model that evaluated the image.',
      resolve: ({ model }) => model,
    }),
    loss: t.float({
      description: 'Sum over prompts of weight x loss, divided by the sum of |weight|. Lower fits better.',
      resolve: async (guidance) => (await guidance.score()).loss,
    }),
    terms: t.field({
      type: [GuidanceTerm],
      description: "Each prompt's share.",
      complexity: { field: 0, multiplier: 1 },
      resolve: async (guidance) =>
        (await guidance.score()).terms.map((term, promptIndex) => ({
          ...{ ...term, promptIndex },
          presences: () => guidance.present(),
        })),
    }),
    gradient: t.field({
      type: PixelTensor,
      nullable: true,
      description:
        "d loss / d pixel of the image as given (its own width x height, RGB in 0..1), row-major RGB. An SVG smaller than the model's input is rendered at that size, and the gradient refers to the rendered image. Computed only when selected.",
      args: {
        format: t.arg({ ...vectorFormatArg, defaultValue: 'FLOAT16' }),
        normalise: t.arg.boolean({
          required: true,
          defaultValue: false,
          description:
            'Scales the gradient to a root mean square of 1, which suits a step and loses least in FLOAT16: without it, FLOAT16 loses numbers below 6e-8, of which a large image has many. l2 / sqrt(width x height x 3) scales back.',
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
      nullable: true,
      description:
        'Where the prompts are seen: one value in 0..1 per cell, row-major. Feature x gradient at the last layer that tells places apart (HiResCAM, Draelos and Carin 2020).',
      args: {
        columns: t.arg.int({
          description: `Number of cells across, at most ${limits.heatmapCells}. Defaults to as many as the model tells apart.`,
        }),
        rows: t.arg.int({
          description: `Number of cells down, at most ${limits.heatmapCells}. Defaults to as many as the model tells apart.`,
        }),
      },
      complexity: 100,
      resolve: (guidance, { columns, rows }, _context, info) =>
        guidance.heatmap({
          columns: checkCells('columns', columns),
          rows: checkCells('rows', rows),
          overlay: selects(info, 'png'),
        }),
    }),
    step: t.field({
      type: ImageData,
      nullable: true,
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

function checkCells(name: string, value: number | null | undefined): number | null {
  if (value != null && !(value >= 1 && value <= limits.heatmapCells))
    throw new BadUserInput(`${name} is ${value}; 1 to ${limits.heatmapCells} cells can be asked for.`)
  return value ?? null
}

/** Whether a field may be selected below this one; fragments count as selecting it. */
function selects({ fieldNodes }: GraphQLResolveInfo, name: string): boolean {
  return fieldNodes.some(({ selectionSet }) =>
    selectionSet?.selections.some((s) => s.kind !== 'Field' || s.name.value === name),
  )
}
