import type { RunRow } from '../../prisma/types.ts'
import { parsePalette } from '../../workers/drawing/generators/colours.ts'
import type { GeneratorName } from '../../workers/drawing/painter.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { requireScope } from '../core/caller.ts'
import { counted } from '../core/cost.ts'
import { asRequestError } from '../core/errors.ts'
import { argumentImage, ImageData, type ImageDataObject } from '../core/image-data.ts'
import { ImageInput } from '../core/inputs.ts'
import { PromptInput, promptList, resolvePrompts } from '../core/prompts.ts'
import { isRunId } from '../relay/ids.ts'

const RunStatus = builder.enumType('RunStatus', {
  description: 'How far a guidance run has come.',
  values: {
    QUEUED: { description: 'Waits for the runs before it.' },
    RUNNING: { description: 'Is being made, or is gone on with after a restart.' },
    DONE: { description: 'All steps are made.' },
    STOPPED: { description: 'Was stopped; the last saved step is kept.' },
    FAILED: { description: 'Could not be made; error says why.' },
  },
})

const Generator = builder.enumType('Generator', {
  description: 'What makes the image, and so what can be changed to fit the prompts.',
  values: {
    SHAPES: { description: 'Rectangles, ellipses and triangles: an SVG.' },
    STROKES: {
      description: 'Bezier strokes with width and colour (after CLIPDraw, Frans et al. 2021): an SVG.',
    },
    PIXELS: { description: 'The image itself, from coarse to fine, kept smooth.' },
    RECOLOUR: { description: 'The colours of an SVG; what shares a colour goes on sharing it.' },
  },
})

const GuidanceRunInput = builder.inputType('GuidanceRunInput', {
  description: 'A drawing to be made step by step.',
  fields: (t) => ({
    prompts: t.field({
      type: [PromptInput],
      required: true,
      description: `What it is to look like, 1 to ${limits.prompts} prompts.`,
    }),
    generator: t.field({ type: Generator, required: true, description: 'What makes the image.' }),
    steps: t.int({ required: true, defaultValue: 150, description: `1 to ${limits.runSteps}.` }),
    seed: t.int({
      required: true,
      defaultValue: 0,
      description: 'The same seed gives the same drawing on one provider.',
    }),
    model: t.id({ description: 'The default model when absent. Its canGuide must be true.' }),
    width: t.int({
      required: true,
      defaultValue: 512,
      description: `${limits.runEdge[0]} to ${limits.runEdge[1]}, at most ${limits.runAspect} times the height. RECOLOUR keeps the size of its SVG, whose sides are held to the same.`,
    }),
    height: t.int({
      required: true,
      defaultValue: 512,
      description: `${limits.runEdge[0]} to ${limits.runEdge[1]}, at most ${limits.runAspect} times the width. RECOLOUR keeps the size of its SVG, whose sides are held to the same.`,
    }),
    elements: t.int({
      required: true,
      defaultValue: 24,
      description: `How many shapes or strokes, 1 to ${limits.runElements}.`,
    }),
    palette: t.stringList({
      description: `Only these colours (hex) are used, at most ${limits.paletteColours}.`,
    }),
    start: t.field({
      type: ImageInput,
      description:
        'What to start from: an image, or for RECOLOUR an SVG whose fills and strokes are changed. SHAPES and STROKES take their first colours from an image.',
    }),
  }),
})

const previewOf = ({ preview, previewWidth, previewHeight }: RunRow): ImageDataObject | null =>
  preview && { mimeType: 'image/png', width: previewWidth, height: previewHeight, bytes: preview }

const GuidanceRun = builder.node(builder.objectRef<RunRow>('GuidanceRun'), {
  description: 'A drawing that the server makes step by step. It survives a restart of the server.',
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, { runs }) => (isRunId(id) ? runs.get(id) : null),
  fields: (t) => ({
    status: t.field({
      type: RunStatus,
      description: 'How far it has come.',
      resolve: ({ status }) => status,
    }),
    generator: t.field({
      type: Generator,
      description: 'What makes the image.',
      resolve: ({ generator }) => generator as GeneratorName,
    }),
    step: t.exposeInt('step', { description: 'The last saved step.' }),
    steps: t.exposeInt('steps', { description: 'All steps.' }),
    loss: t.exposeFloat('loss', {
      nullable: true,
      description: 'Loss of the whole image before that step; null before the first.',
    }),
    preview: t.field({
      type: ImageData,
      nullable: true,
      description: 'The image at that step, at most 512 pixels long: of a drawing, its SVG rendered.',
      complexity: 5,
      resolve: previewOf,
    }),
    svg: t.exposeString('svg', { nullable: true, description: 'The drawing at that step; null for PIXELS.' }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed.' }),
  }),
})

const GuidanceFrame = builder.objectRef<RunRow>('GuidanceFrame').implement({
  description: 'A guidance run at a step.',
  fields: (t) => ({
    runId: t.id({ description: 'Id of the run.', resolve: ({ id }) => id }),
    status: t.field({
      type: RunStatus,
      description:
        'DONE or STOPPED with the last frame. A run that is stopped before its first ends with an error.',
      resolve: ({ status }) => status,
    }),
    step: t.exposeInt('step', { description: 'Steps that are made.' }),
    loss: t.float({
      description: 'Loss of the whole image before that step.',
      resolve: ({ loss }) => loss!,
    }),
    preview: t.field({ type: ImageData, description: 'The image.', resolve: (row) => previewOf(row)! }),
    svg: t.exposeString('svg', { nullable: true, description: 'The drawing; null for PIXELS.' }),
  }),
})

function checked(input: typeof GuidanceRunInput.$inferInput): void {
  const { steps, width, height, elements, palette } = input
  const within = (name: string, value: number, low: number, high: number) => {
    if (!(value >= low && value <= high))
      throw new BadUserInput(`${name} is ${value}; it must be ${low} to ${high}.`)
  }
  within('steps', steps, 1, limits.runSteps)
  within('width', width, ...limits.runEdge)
  within('height', height, ...limits.runEdge)
  within('elements', elements, 1, limits.runElements)
  if (Math.max(width, height) > limits.runAspect * Math.min(width, height))
    throw new BadUserInput(
      `${width} x ${height} is too long: at most ${limits.runAspect} times as long as wide.`,
    )
  try {
    parsePalette(palette)
  } catch (error) {
    if (!(error instanceof BadUserInput)) throw error
    // The run's own thread would say so too, but as of everything else that it opens: as if of the start.
    throw new BadUserInput(`input.${error.message}`, { argument: 'input.palette' })
  }
}

builder.mutationFields((t) => ({
  startGuidance: t.field({
    type: GuidanceRun,
    description:
      'Begins a drawing. What is wrong with the request is said at once; follow the run by the guidance subscription.',
    args: { input: t.arg({ type: GuidanceRunInput, required: true, description: 'What to make.' }) },
    complexity: ({ input }) => ({
      field: 200 + 5 * counted(input.prompts.length, limits.prompts),
      multiplier: 1,
    }),
    resolve: async (_root, { input }, context) => {
      requireScope(context, 'insert')
      checked(input)
      const asked = promptList(input.prompts, 'input.prompts')
      const { generator, steps, seed, width, height, elements, palette } = input
      if (generator === 'RECOLOUR' && !input.start)
        throw new BadUserInput('RECOLOUR needs start: the SVG whose colours are changed.')
      const model = await context.catalogue.get(input.model)
      const [start, prompts] = await Promise.all([
        input.start ? argumentImage(input.start, 'input.start', context) : null,
        resolvePrompts(asked, model, context),
      ])
      try {
        return await context.runs.start({
          spec: model.card,
          prompts,
          ...{ generator, steps, seed, width, height, elements, palette: palette ?? null, start },
        })
      } catch (error) {
        throw error instanceof ItemError ? asRequestError(error, 'input.start') : error
      }
    },
  }),
  stopGuidance: t.field({
    type: GuidanceRun,
    description: 'Stops a run; its last saved step is kept. A run that is over stays as it is.',
    args: { id: t.arg.id({ required: true, description: 'Id of the run.' }) },
    resolve: async (_root, { id }, context) => {
      requireScope(context, 'insert')
      return (isRunId(id) ? await context.runs.stop(id) : null) ?? unknown(id)
    },
  }),
}))

builder.subscriptionType({ description: 'Everything that goes on, over server-sent events.' })
builder.subscriptionFields((t) => ({
  guidance: t.field({
    type: GuidanceFrame,
    description:
      'A run from its present step on, a frame every few steps; ends with the run. Whoever reads slowly misses frames, never the last. A run that fails, or is stopped before its first frame, ends with an error.',
    args: { id: t.arg.id({ required: true, description: 'Id of the run.' }) },
    subscribe: async (_root, { id }, { runs, signal }) => {
      if (!isRunId(id) || !(await runs.get(id))) unknown(id)
      return shown(runs.frames(id, signal))
    },
    resolve: (row: RunRow) => row,
  }),
}))

/** Frames that have something to show. @throws BadUserInput when the run has failed, or ends without any */
async function* shown(frames: AsyncIterable<RunRow>): AsyncIterable<RunRow> {
  for await (const row of frames) {
    if (row.status === 'FAILED') throw new BadUserInput(`The run failed. ${row.error ?? ''}`)
    if (row.preview && row.loss !== null) yield row
    else if (row.status === 'STOPPED')
      throw new BadUserInput('The run was stopped before its first frame: there is nothing to show.')
  }
}

function unknown(id: string): never {
  throw new BadUserInput(`There is no guidance run "${echoed(id)}".`)
}
