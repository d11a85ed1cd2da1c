import type { RequestKey, RunRow } from '../../workers/drawing/runs/run-store.ts'
import { BadUserInput, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { asRequestError, atMost } from '../core/errors.ts'
import { argumentImage } from '../core/image-data.ts'
import { ImageInput, PromptInput } from '../core/inputs.ts'
import { operation } from '../core/operation.ts'
import {
  givenPrompts,
  promptCount,
  promptDescription,
  promptsDescription,
  resolvePrompts,
} from '../core/prompts.ts'
import { unknownIds, userErrorsField, type WithUserErrors, withUserErrors } from '../core/user-errors.ts'
import { isRunId } from '../relay/ids.ts'
import { checkDrawing, unknownDrawing } from './checks.ts'
import { inputDigest } from './input-digest.ts'
import { Drawing, DrawingGenerator } from './types.ts'

const edge = `${limits.runEdge[0]} to ${limits.runEdge[1]}`
const ofRecolour = 'RECOLOUR keeps the size of its SVG, to which the same limits apply.'

const StartDrawingInput = builder.inputType('StartDrawingInput', {
  description: 'A drawing to be made step by step.',
  fields: (t) => ({
    prompt: t.string({ description: promptDescription }),
    prompts: t.field({ type: [PromptInput], description: promptsDescription }),
    generator: t.field({
      type: DrawingGenerator,
      required: true,
      description: 'The method that makes the image.',
    }),
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
    idempotencyKey: t.string({
      description: `Your own name of this request, such as a UUID, at most ${limits.idempotencyKeyLength} printable ASCII characters. The same request, sent again with it within 24 hours because its answer was lost, answers the drawing that it has started and starts no other; another input with it is a CONFLICT.`,
    }),
  }),
})

const StopDrawingInput = builder.inputType('StopDrawingInput', {
  description: 'A drawing to be stopped.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Id of the drawing.' }) }),
})

const DeleteDrawingsInput = builder.inputType('DeleteDrawingsInput', {
  description: 'Drawings to be deleted.',
  fields: (t) => ({ ids: t.idList({ required: true, description: `At most ${limits.ids}.` }) }),
})

interface DrawingPayload extends WithUserErrors {
  drawing: RunRow | null
}

const StartDrawingPayload = builder.objectRef<DrawingPayload>('StartDrawingPayload').implement({
  description: 'The drawing that was started, or why none was.',
  fields: (t) => ({
    drawing: t.field({
      type: Drawing,
      nullable: true,
      description: 'The drawing, which waits or is being made; null where userErrors say why.',
      resolve: ({ drawing }) => drawing,
    }),
    userErrors: t.field(userErrorsField),
  }),
})

const StopDrawingPayload = builder.objectRef<DrawingPayload>('StopDrawingPayload').implement({
  description: 'The drawing that was stopped, or why none was.',
  fields: (t) => ({
    drawing: t.field({
      type: Drawing,
      nullable: true,
      description: 'The drawing at its last saved step; null where userErrors say why.',
      resolve: ({ drawing }) => drawing,
    }),
    userErrors: t.field(userErrorsField),
  }),
})

const DeleteDrawingsPayload = builder
  .objectRef<WithUserErrors & { deletedIds: string[] }>('DeleteDrawingsPayload')
  .implement({
    description: 'The drawings that were deleted.',
    fields: (t) => ({
      deletedIds: t.idList({
        description: 'Ids of the drawings that existed.',
        resolve: ({ deletedIds }) => deletedIds,
      }),
      userErrors: t.field(userErrorsField),
    }),
  })

/** @throws BadUserInput naming the field, Overloaded */
async function start(
  { idempotencyKey, ...input }: typeof StartDrawingInput.$inferInput,
  context: Context,
): Promise<RunRow> {
  checkDrawing(input)
  const key = await requestKey(idempotencyKey, input, context)
  const started = key && (await context.runs.startedWith(key))
  if (started) return started
  const placed = givenPrompts(input, 'input.')
  const { generator, steps, seed, width, height, elements, palette } = input
  const model = await context.catalogue.get(input.model)
  const [image, prompts] = await Promise.all([
    input.start ? argumentImage(input.start, 'input.start', context) : null,
    resolvePrompts(placed, model, context),
  ])
  try {
    const drawing = {
      generator,
      steps,
      seed,
      width,
      height,
      elements,
      palette: palette ?? null,
      start: image,
    }
    return await context.runs.start({ model: model.card, prompts, ...drawing }, key)
  } catch (error) {
    throw error instanceof ItemError ? asRequestError(error, 'input.start') : error
  }
}

/** @throws BadUserInput */
async function requestKey(
  key: string | null | undefined,
  input: object,
  { caller }: Context,
): Promise<RequestKey | null> {
  if (key == null) return null
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > limits.idempotencyKeyLength)
    throw new BadUserInput(
      `The key must be 1 to ${limits.idempotencyKeyLength} printable ASCII characters without blanks, such as a UUID.`,
      { argument: 'input.idempotencyKey' },
    )
  return { caller: caller.id, key, digest: await inputDigest(input) }
}

builder.mutationFields((t) => ({
  startDrawing: t.field({
    type: StartDrawingPayload,
    nullable: true,
    ...operation(
      'insert',
      'Starts a drawing. Invalid input is refused at once; follow the drawing with the subscription `drawing`.',
      `mutation {
        startDrawing(input: { prompt: "red heart", generator: SHAPES }) {
          drawing { id status }
          userErrors { field message }
        }
      }`,
    ),
    args: {
      input: t.arg({ type: StartDrawingInput, required: true, description: 'The drawing to make.' }),
    },
    complexity: ({ input }) => ({ field: 200 + 5 * promptCount(input), multiplier: 1 }),
    resolve: (_root, { input }, context) =>
      withUserErrors({ drawing: null }, async () => ({ drawing: await start(input, context) })),
  }),

  stopDrawing: t.field({
    type: StopDrawingPayload,
    nullable: true,
    ...operation(
      'insert',
      'Stops a drawing and keeps its last saved step. One that has ended stays as it is.',
      `mutation {
        stopDrawing(input: { id: "run_..." }) {
          drawing { id status step }
          userErrors { message }
        }
      }`,
    ),
    args: { input: t.arg({ type: StopDrawingInput, required: true, description: 'The drawing to stop.' }) },
    complexity: 10,
    resolve: (_root, { input: { id } }, context) =>
      withUserErrors({ drawing: null }, async () => {
        const drawing = isRunId(id) ? await context.runs.stop(id) : null
        if (!drawing) throw unknownDrawing(id, 'input.id')
        return { drawing }
      }),
  }),

  deleteDrawings: t.field({
    type: DeleteDrawingsPayload,
    nullable: true,
    ...operation(
      'edit',
      'Deletes drawings; those that are being made are stopped first.',
      `mutation {
        deleteDrawings(input: { ids: ["run_..."] }) {
          deletedIds
          userErrors { field message }
        }
      }`,
    ),
    args: {
      input: t.arg({ type: DeleteDrawingsInput, required: true, description: 'The drawings to delete.' }),
    },
    complexity: 10,
    resolve: (_root, { input: { ids } }, context) =>
      withUserErrors({ deletedIds: [] as string[] }, async () => {
        atMost(ids, limits.ids, 'input.ids')
        const deletedIds = await context.runs.delete(ids.filter(isRunId))
        return { deletedIds, userErrors: unknownIds(ids, deletedIds, 'drawing') }
      }),
  }),
}))
