import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { totalWeight, type WeightedVector } from '../../workers/similarity/weighted.ts'
import { builder } from './builder.ts'
import type { Concept, Context } from './context.ts'
import { asRequestError, atMost } from './errors.ts'
import { ConceptInput } from './inputs.ts'

export const PromptInput = builder.inputType('PromptInput', {
  description: 'A concept and its weight: above 0 attracts, below 0 repels.',
  fields: (t) => ({
    concept: t.field({ type: ConceptInput, required: true, description: 'What to look for, or to avoid.' }),
    weight: t.float({
      required: true,
      defaultValue: 1,
      description: 'Strength. At least one must not be 0.',
    }),
  }),
})

export type PromptGiven = typeof PromptInput.$inferInput

/** A prompt and its place in the request, for errors: `prompt`, `from[2]`. */
export interface PlacedPrompt extends PromptGiven {
  place: string
}

/** A prompt in a model's space. */
export type Prompt = Concept & WeightedVector

export const promptDescription =
  'Text to match: short for one prompt of weight 1. Give either prompt or prompts.'
export const promptsDescription = `Weighted prompts, 1 to ${limits.prompts}. Give either prompts or prompt.`

/**
 * The prompts of a request, checked before anything is encoded.
 * @throws BadUserInput
 */
export function givenPrompts(
  prompt: string | null | undefined,
  prompts: readonly PromptGiven[] | null | undefined,
): PlacedPrompt[] {
  if (prompt != null && prompts != null) throw new BadUserInput('Give either prompt or prompts, not both.')
  if (prompt != null) return [{ concept: { text: prompt }, weight: 1, place: 'prompt' }]
  if (prompts == null || prompts.length === 0)
    throw new BadUserInput('Give a prompt, or prompts with at least one entry.')
  return promptList(prompts, 'prompts')
}

/**
 * The prompts of one argument, checked before anything is encoded.
 * @throws BadUserInput naming the argument
 */
export function promptList(prompts: readonly PromptGiven[], argument: string): PlacedPrompt[] {
  if (prompts.length === 0) throw new BadUserInput(`${argument} is empty. Give at least one prompt.`)
  atMost(prompts, limits.prompts, argument)
  const placed = prompts.map((prompt, index) => ({ ...prompt, place: `${argument}[${index}]` }))
  for (const { weight, place } of placed)
    if (!Number.isFinite(weight)) throw new BadUserInput(`${place}.weight is not a finite number.`)
  const total = totalWeight(prompts)
  if (!(total > 0) || !Number.isFinite(total))
    throw new BadUserInput(
      `The |weights| of ${argument} sum to ${total}, so no score can be formed. Give at least one a weight such as 1 or -0.5.`,
    )
  return placed
}

/** @throws RequestError BAD_USER_INPUT for a prompt that cannot be used, naming its place */
export async function resolvePrompts(
  given: readonly PlacedPrompt[],
  model: ServedModel,
  context: Context,
): Promise<Prompt[]> {
  const load = context.loaders.concept(model)
  const found = await Promise.all(given.map(({ concept }) => load(concept)))
  return found.map((concept, index) => {
    const { place, weight } = given[index]!
    if (concept instanceof ItemError) throw asRequestError(concept, place)
    return { ...concept, weight }
  })
}
