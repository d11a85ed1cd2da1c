/** GraphQL types of guidance runs. */
import { type GeneratorRow, generatorNamed, generators } from '../../workers/drawing/generators/index.ts'
import type { RunRow } from '../../workers/drawing/runs/run-store.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { ImageData, type ImageDataObject } from '../core/image-data.ts'
import { ImageInput } from '../core/inputs.ts'
import { PromptInput } from '../core/prompts.ts'
import { isRunId } from '../relay/ids.ts'

const RunStatus = builder.enumType('RunStatus', {
  description: 'How far a guidance run has come.',
  values: {
    QUEUED: { description: 'Waits for the runs before it.' },
    RUNNING: { description: 'Is being made, or will be resumed after a restart.' },
    DONE: { description: 'All steps are made.' },
    STOPPED: { description: 'Was stopped; the last saved step is kept.' },
    FAILED: { description: 'Could not be made; error says why.' },
  },
})

type GeneratorValues = Record<(typeof generators)[number]['name'], { description: string }>

const Generator = builder.enumType('Generator', {
  description: 'The method that makes the image; it determines which parts of the image may change.',
  values: Object.fromEntries(
    generators.map(({ name, description }: GeneratorRow) => [name, { description }]),
  ) as GeneratorValues,
})

const edge = `${limits.runEdge[0]} to ${limits.runEdge[1]}`
const ofRecolour = 'RECOLOUR keeps the size of its SVG, to which the same limits apply.'

export const GuidanceRunInput = builder.inputType('GuidanceRunInput', {
  description: 'A drawing to be made step by step.',
  fields: (t) => ({
    prompts: t.field({
      type: [PromptInput],
      required: true,
      description: `What the drawing should look like, 1 to ${limits.prompts} prompts.`,
    }),
    generator: t.field({ type: Generator, required: true, description: 'The method that makes the image.' }),
    steps: t.int({
      required: true,
      defaultValue: 150,
      description: `Number of steps, 1 to ${limits.runSteps}.`,
    }),
    seed: t.int({
      required: true,
      defaultValue: 0,
      description: 'The same seed gives the same drawing on one provider.',
    }),
    model: t.id({ description: "Defaults to the server's default model. Its canGuide must be true." }),
    width: t.int({
      required: true,
      defaultValue: 512,
      description: `${edge}, at most ${limits.runAspect} times the height. ${ofRecolour}`,
    }),
    height: t.int({
      required: true,
      defaultValue: 512,
      description: `${edge}, at most ${limits.runAspect} times the width. ${ofRecolour}`,
    }),
    elements: t.int({
      required: true,
      defaultValue: 24,
      description: `Number of shapes or strokes, 1 to ${limits.runElements}.`,
    }),
    palette: t.stringList({
      description: `Restricts the drawing to these colours (hex), at most ${limits.paletteColours}.`,
    }),
    start: t.field({
      type: ImageInput,
      description:
        'The image to start from, or for RECOLOUR the SVG whose fills and strokes are changed. SHAPES and STROKES take their first colours from it.',
    }),
  }),
})

const previewOf = ({ preview, previewWidth, previewHeight }: RunRow): ImageDataObject | null =>
  preview && { mimeType: 'image/png', width: previewWidth, height: previewHeight, bytes: preview }

export const GuidanceRun = builder.node(builder.objectRef<RunRow>('GuidanceRun'), {
  description: 'A drawing that the server makes step by step. It survives a restart of the server.',
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, { runs }) => (isRunId(id) ? runs.get(id) : null),
  fields: (t) => ({
    status: t.field({
      type: RunStatus,
      description: 'How far the run has come.',
      resolve: ({ status }) => status,
    }),
    generator: t.field({
      type: Generator,
      description: 'The method that makes the image.',
      resolve: ({ generator }) => generatorNamed(generator).name,
    }),
    step: t.exposeInt('step', { description: 'The last saved step.' }),
    steps: t.exposeInt('steps', { description: 'Number of steps in all.' }),
    loss: t.exposeFloat('loss', {
      nullable: true,
      description: 'Loss of the whole image before that step; null before the first step.',
    }),
    preview: t.field({
      type: ImageData,
      nullable: true,
      description: 'The image at that step, or the rendered SVG; its longer edge is at most 512 pixels.',
      complexity: 5,
      resolve: previewOf,
    }),
    svg: t.exposeString('svg', { nullable: true, description: 'The SVG at that step; null for PIXELS.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why the run failed.' }),
  }),
})

export const GuidanceFrame = builder.objectRef<RunRow>('GuidanceFrame').implement({
  description: 'A guidance run at one of its steps.',
  fields: (t) => ({
    runId: t.id({ description: 'Id of the run.', resolve: ({ id }) => id }),
    status: t.field({
      type: RunStatus,
      description:
        'DONE or STOPPED with the last frame. A run that is stopped before its first frame ends with an error.',
      resolve: ({ status }) => status,
    }),
    step: t.exposeInt('step', { description: 'Number of steps made so far.' }),
    loss: t.float({
      description: 'Loss of the whole image before that step.',
      resolve: ({ loss }) => loss!,
    }),
    preview: t.field({ type: ImageData, description: 'The image.', resolve: (row) => previewOf(row)! }),
    svg: t.exposeString('svg', { nullable: true, description: 'The SVG; null for PIXELS.' }),
  }),
})
