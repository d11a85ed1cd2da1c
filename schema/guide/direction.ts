import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { direction } from '../../workers/similarity/direction.ts'
import { weightedSum } from '../../workers/similarity/weighted.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'
import { asRequestError, atMost } from '../core/errors.ts'
import { type PlacedPrompt, PromptInput, promptList, resolvePrompts } from '../core/prompts.ts'
import { checkedText } from '../core/resolve-concepts.ts'
import { packVector } from '../core/vector.ts'
import { vectorFormatArg } from '../embed.ts'
import { Model } from '../models.ts'

/** Ways of saying the same: their mean depends less on the wording (Radford et al. 2021, 3.1.4). */
const templates = ['{}', 'a picture of {}', 'a drawing of {}', 'an icon of {}', 'a photo of {}']

interface DirectionObject {
  model: ServedModel
  vector: Float32Array
  strength: number
}

const Direction = builder.objectRef<DirectionObject>('Direction').implement({
  description:
    "From one idea to another: the normalised difference of two prompt sets' mean vectors (as in StyleCLIP, Patashnik et al. 2021, and StyleGAN-NADA, Gal et al. 2021). Usable wherever a concept's vector is.",
  fields: (t) => ({
    model: t.field({
      type: Model,
      description: 'The model whose space it is.',
      resolve: ({ model }) => model,
    }),
    vector: t.field({
      type: 'Vector',
      description: 'L2-normalised. Give it as a concept: `{ vector: ... }`.',
      args: { format: t.arg(vectorFormatArg) },
      complexity: 3,
      resolve: ({ vector }, { format }) => packVector(vector, format),
    }),
    strength: t.exposeFloat('strength', {
      description:
        'Length of the difference before it was normalised, 0 to 2: how far apart the model sees the two.',
    }),
  }),
})

/**
 * The prompts, a text once in each template.
 * @throws RequestError BAD_USER_INPUT for a text that is empty or too long, as it was given or in a template
 */
function inTemplates(given: readonly PlacedPrompt[], ways: readonly string[]): PlacedPrompt[] {
  return given.flatMap(({ concept, weight, place }): PlacedPrompt[] => {
    const { text } = concept
    if (text == null) return [{ concept, weight, place }]
    try {
      checkedText(text)
    } catch (error) {
      throw error instanceof ItemError ? asRequestError(error, place) : error
    }
    return ways.map((way, n) => {
      const said = way.replace('{}', () => text)
      if (said.length > limits.textLength)
        throw new BadUserInput(
          `templates[${n}] makes ${said.length} characters of ${place}; at most ${limits.textLength} are taken. Shorten one of them.`,
        )
      return { concept: { text: said }, weight: weight / ways.length, place }
    })
  })
}

builder.queryFields((t) => ({
  direction: t.field({
    type: Direction,
    description: 'The way from one idea to another, e.g. from "a cold image" to "a warm image".',
    args: {
      from: t.arg({
        type: [PromptInput],
        required: true,
        description: `Where it begins, 1 to ${limits.prompts} prompts.`,
      }),
      to: t.arg({
        type: [PromptInput],
        required: true,
        description: `Where it leads, 1 to ${limits.prompts} prompts.`,
      }),
      templates: t.arg.stringList({
        description: `Sentences that each text is put into, in place of {}; at most ${limits.templates}. When absent: ${templates.map((way) => `"${way}"`).join(', ')}.`,
      }),
      model: t.arg.id({ description: 'The default model when absent.' }),
    },
    complexity: ({ from, to, templates: ways }) => ({
      field:
        5 *
        (counted(from.length, limits.prompts) + counted(to.length, limits.prompts)) *
        counted(ways?.length ?? templates.length, limits.templates),
      multiplier: 1,
    }),
    resolve: async (_root, { from, to, templates: given, model: name }, context) => {
      const ways = given && given.length > 0 ? given : templates
      atMost(ways, limits.templates, 'templates')
      const wrong = ways.find((way) => !way.includes('{}'))
      if (wrong !== undefined)
        throw new BadUserInput(`The template "${echoed(wrong)}" has no {} for the text.`)
      const asked = [promptList(from, 'from'), promptList(to, 'to')].map((list) => inTemplates(list, ways))
      const model = await context.catalogue.get(name)
      const [a, b] = await Promise.all(asked.map((prompts) => resolvePrompts(prompts, model, context)))
      const found = direction(weightedSum(a!), weightedSum(b!))
      if (found === 'none')
        throw new BadUserInput('from and to mean the same to the model: there is no direction.')
      if (typeof found === 'string') throw new BadUserInput(`The prompts of ${found} cancel each other out.`)
      return { model, ...found }
    },
  }),
}))
