import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'
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
import { LazyGuidance } from './lazy-guidance.ts'
import { Guidance, GuideOptions } from './types.ts'

builder.queryFields((t) => ({
  guide: t.field({
    type: Guidance,
    nullable: true,
    ...operation(
      'read',
      'Evaluates how well an image fits weighted prompts, where in the image it does, and the gradient that would make it fit better.',
      `query ($image: ImageInput!) {
        guide(image: $image, prompt: "red heart") {
          loss
          gradient { width height data }
          heatmap(columns: 8, rows: 8) { values }
          step { base64 }
        }
      }`,
    ),
    args: {
      image: t.arg({
        type: ImageInput,
        required: true,
        description: `The image, at most ${limits.guidePixels.toLocaleString('en')} pixels.`,
      }),
      prompt: t.arg.string({ description: promptDescription }),
      prompts: t.arg({ type: [PromptInput], description: promptsDescription }),
      options: t.arg({ type: GuideOptions, description: 'How the image is evaluated.' }),
      model: t.arg.id({
        description:
          "Defaults to the server's default model. Its canGuide must be true for anything but loss and terms.",
      }),
    },
    complexity: ({ options, ...given }) => ({
      field: 10 + 5 * promptCount(given) + 10 * counted(options?.cutouts ?? 0, limits.cutouts),
      multiplier: 1,
    }),
    resolve: async (_root, { image, options, model: name, ...given }, context) => {
      const placed = givenPrompts(given)
      const cutouts = options?.cutouts ?? 0
      if (!(cutouts >= 0 && cutouts <= limits.cutouts))
        throw new BadUserInput(`options.cutouts is ${cutouts}; 0 to ${limits.cutouts} can be asked for.`)
      const model = await context.catalogue.get(name)
      const [bytes, prompts] = await Promise.all([
        argumentImage(image, 'image', context),
        resolvePrompts(placed, model, context),
      ])
      const loss = options?.loss ?? 'SPHERICAL'
      const seed = options?.seed ?? 0
      return new LazyGuidance({ model, image: bytes, prompts, loss, cutouts, seed }, context)
    },
  }),
}))
