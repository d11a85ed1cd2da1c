import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { direction } from '../../workers/similarity/direction.ts'
import { weightedSum } from '../../workers/similarity/weighted.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'
import { asRequestError, atMost } from '../core/errors.ts'
import { PromptInput } from '../core/inputs.ts'
import { operation } from '../core/operation.ts'
import { type PlacedPrompt, promptList, resolvePrompts } from '../core/prompts.ts'
import { checkedText } from '../core/resolve-concepts.ts'
import { packVector } from '../core/vector.ts'
import { vectorFormatArg } from '../embed.ts'
import { Model } from '../models.ts'

/** A text's mean over several phrasings depends less on the wording (Radford et al. 2021, 3.1.4). */
const defaultTemplates = ['{}', 'a picture of {}', 'a drawing of {}', 'an icon of {}', 'a photo of {}']

interface DirectionObject {
  model: ServedModel
  vector: Float32Array
  strength: number
}

const Direction = builder.objectRef<DirectionObject>('Direction').implement({
  description:
    "The direction from one idea to another: the normalised difference of two prompt sets' mean vectors (as in StyleCLIP, Patashnik et al. 2021, and StyleGAN-NADA, Gal et al. 2021). It can be used wherever a concept takes a vector.",
  fields: (t) => ({
    model: t.field({
      type: Model,
      description: 'The model in whose space the vector lies.',
      resolve: ({ model }) => model,
    }),
    vector: t.field({
      type: 'Vector',
      description: 'L2-normalised. To use it as a concept, pass `{ vector: ... }`.',
      args: { format: t.arg(vectorFormatArg) },
      complexity: 3,
      resolve: ({ vector }, { format }) => packVector(vector, format),
    }),
    strength: t.exposeFloat('strength', {
      description:
        'Length of the difference before normalising, 0 to 2: how far apart the two ideas are for the model.',
    }),
  }),
})

/**
 * Puts each text into every template, with its weight shared among them; other concepts stay as they are.
 * @throws RequestError BAD_USER_INPUT for a text that is empty or too long, as it was given or in a template
 */
function inTemplates(prompts: readonly PlacedPrompt[], templates: readonly string[]): PlacedPrompt[] {
  return prompts.flatMap(({ concept, weight, place }): PlacedPrompt[] => {
    const { text } = concept
    if (text == null) return [{ concept, weight, place }]
    try {
      checkedText(text)
    } catch (error) {
      throw error instanceof ItemError ? asRequestError(error, place) : error
    }
    return templates.map((template, n) => {
      const sentence = template.replace('{}', () => text)
      if (sentence.length > limits.textLength)
        throw new BadUserInput(
          `templates[${n}] makes ${sentence.length} characters of ${place}; at most ${limits.textLength} are taken. Shorten one of them.`,
        )
      return { concept: { text: sentence }, weight: weight / templates.length, place }
    })
  })
}

builder.queryFields((t) => ({
  direction: t.field({
    type: Direction,
    nullable: true,
    ...operation(
      'read',
      'Computes the direction from one idea to another.',
      '{ direction(from: { text: "a cold image" }, to: { text: "a warm image" }) { vector strength } }',
    ),
    args: {
      from: t.arg({
        type: [PromptInput],
        required: true,
        description: `The idea it starts at, 1 to ${limits.prompts} prompts.`,
      }),
      to: t.arg({
        type: [PromptInput],
        required: true,
        description: `The idea it leads to, 1 to ${limits.prompts} prompts.`,
      }),
      templates: t.arg.stringList({
        description: `Sentences into which each text is inserted in place of {}; at most ${limits.templates}. Defaults to ${defaultTemplates.map((template) => `"${template}"`).join(', ')}.`,
      }),
      model: t.arg.id({ description: "Defaults to the server's default model." }),
    },
    complexity: ({ from, to, templates }) => ({
      field:
        5 *
        (counted(from.length, limits.prompts) + counted(to.length, limits.prompts)) *
        counted(templates?.length ?? defaultTemplates.length, limits.templates),
      multiplier: 1,
    }),
    resolve: async (_root, { from, to, templates: given, model: name }, context) => {
      const templates = given && given.length > 0 ? given : defaultTemplates
      atMost(templates, limits.templates, 'templates')
      const wrong = templates.find((template) => !template.includes('{}'))
      if (wrong !== undefined)
        throw new BadUserInput(`The template "${echoed(wrong)}" has no {} for the text.`)
      const placed = [promptList(from, 'from'), promptList(to, 'to')].map((list) =>
        inTemplates(list, templates),
      )
      const model = await context.catalogue.get(name)
      const [a, b] = await Promise.all(placed.map((prompts) => resolvePrompts(prompts, model, context)))
      const result = direction(weightedSum(a!), weightedSum(b!))
      if (result === 'none')
        throw new BadUserInput('from and to mean the same to the model: there is no direction.')
      if (typeof result === 'string')
        throw new BadUserInput(`The prompts of ${result} cancel each other out.`)
      return { model, ...result }
    },
  }),
}))
