/** Operations on guidance runs. */
import type { RunRow } from '../../workers/drawing/runs/run-store.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { requireScope } from '../core/caller.ts'
import { counted } from '../core/cost.ts'
import { asRequestError } from '../core/errors.ts'
import { argumentImage } from '../core/image-data.ts'
import { promptList, resolvePrompts } from '../core/prompts.ts'
import { isRunId } from '../relay/ids.ts'
import { checkRunInput } from './check-input.ts'
import { GuidanceFrame, GuidanceRun, GuidanceRunInput } from './types.ts'

builder.mutationFields((t) => ({
  startGuidance: t.field({
    type: GuidanceRun,
    description:
      'Starts a drawing. Invalid input is rejected at once; follow the run with the guidance subscription.',
    args: {
      input: t.arg({ type: GuidanceRunInput, required: true, description: 'The drawing to make.' }),
    },
    complexity: ({ input }) => ({
      field: 200 + 5 * counted(input.prompts.length, limits.prompts),
      multiplier: 1,
    }),
    resolve: async (_root, { input }, context) => {
      requireScope(context, 'insert')
      checkRunInput(input)
      const placed = promptList(input.prompts, 'input.prompts')
      const { generator, steps, seed, width, height, elements, palette } = input
      const model = await context.catalogue.get(input.model)
      const [start, prompts] = await Promise.all([
        input.start ? argumentImage(input.start, 'input.start', context) : null,
        resolvePrompts(placed, model, context),
      ])
      try {
        return await context.runs.start({
          model: model.card,
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
    description: 'Stops a run and keeps its last saved step. A run that has ended stays as it is.',
    args: { id: t.arg.id({ required: true, description: 'Id of the run.' }) },
    resolve: async (_root, { id }, context) => {
      requireScope(context, 'insert')
      return (isRunId(id) ? await context.runs.stop(id) : null) ?? unknown(id)
    },
  }),
}))

builder.subscriptionType({ description: 'Live updates, over server-sent events.' })
builder.subscriptionFields((t) => ({
  guidance: t.field({
    type: GuidanceFrame,
    description:
      'Follows a run from its present step on, with a frame every few steps, and ends with the run. A slow reader may miss frames, but never the last one. A run that fails, or is stopped before its first frame, ends with an error.',
    args: { id: t.arg.id({ required: true, description: 'Id of the run.' }) },
    subscribe: async (_root, { id }, { runs, signal }) => {
      if (!isRunId(id) || !(await runs.get(id))) unknown(id)
      return withPreview(runs.frames(id, signal))
    },
    resolve: (row: RunRow) => row,
  }),
}))

/** Frames that have an image. @throws BadUserInput when the run has failed, or ends without any */
async function* withPreview(frames: AsyncIterable<RunRow>): AsyncIterable<RunRow> {
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
