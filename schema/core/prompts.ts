import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { BadUserInput, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { totalWeight, type WeightedVector } from '../../workers/similarity/weighted.ts'
import type { Concept, ConceptGiven, Context } from './context.ts'
import { counted } from './cost.ts'
import { asRequestError, atMost } from './errors.ts'
import type { PromptInput } from './inputs.ts'

export type PromptGiven = typeof PromptInput.$inferInput

/** A prompt and its place in the request, for errors: `prompt`, `from[2]`. */
export interface PlacedPrompt {
  concept: ConceptGiven
  weight: number
  place: string
}

/** A prompt in a model's space. */
export type Prompt = Concept & WeightedVector

/** `prompt` and `prompts`, as every operation takes them. */
export const promptDescription =
  'Words to match: short for one more prompt of weight 1, before those of prompts.'
export const promptsDescription = `Prompts to match: texts, images or vectors, with weights. With prompt, 1 to ${limits.prompts}.`

export interface PromptArguments {
  prompt?: string | null | undefined
  prompts?: readonly PromptGiven[] | null | undefined
}

/** How many prompts a field's cost counts. */
export const promptCount = ({ prompt, prompts }: PromptArguments): number =>
  counted((prompt == null ? 0 : 1) + (prompts?.length ?? 0), limits.prompts)

/**
 * The prompts of a request, checked before anything is encoded.
 * @param path of the input object that holds the arguments: `input.`
 * @throws BadUserInput
 */
export function givenPrompts({ prompt, prompts }: PromptArguments, path = ''): PlacedPrompt[] {
  const words = prompt == null ? [] : [{ concept: { text: prompt }, weight: 1, place: `${path}prompt` }]
  const placed = [...words, ...placedPrompts(prompts ?? [], `${path}prompts`)]
  if (placed.length === 0)
    throw new BadUserInput(`Give ${path}prompt, some words, or ${path}prompts with at least one entry.`, {
      argument: `${path}prompts`,
      inputErrorCode: 'EMPTY',
    })
  checkPrompts(placed, `${path}prompts`)
  return placed
}

/**
 * The prompts of one argument, checked before anything is encoded.
 * @throws BadUserInput naming the argument
 */
export function promptList(prompts: readonly PromptGiven[], argument: string): PlacedPrompt[] {
  if (prompts.length === 0)
    throw new BadUserInput(`${argument} is empty. Give at least one prompt.`, { argument })
  const placed = placedPrompts(prompts, argument)
  checkPrompts(placed, argument)
  return placed
}

/** @throws BadUserInput for a prompt that is given in no way, or in two */
function placedPrompts(prompts: readonly PromptGiven[], argument: string): PlacedPrompt[] {
  return prompts.map(({ weight, ...ways }, index) => {
    const place = `${argument}[${index}]`
    const given = Object.entries(ways).filter(([, value]) => value != null)
    if (given.length !== 1)
      throw new BadUserInput(
        `${place} ${given.length === 0 ? 'is empty' : `gives ${given.map(([way]) => way).join(' and ')}`}. Give exactly one of text, assetId, upload, base64, url and vector.`,
        { argument: place },
      )
    return { concept: Object.fromEntries(given), weight, place }
  })
}

/** @throws BadUserInput for too many prompts, and for weights that give no score */
function checkPrompts(prompts: readonly PlacedPrompt[], argument: string): void {
  atMost(prompts, limits.prompts, argument)
  for (const { weight, place } of prompts)
    if (!Number.isFinite(weight))
      throw new BadUserInput(`${place}.weight is not a finite number.`, { argument: `${place}.weight` })
  const total = totalWeight(prompts)
  if (!(total > 0) || !Number.isFinite(total))
    throw new BadUserInput(
      `The |weights| of ${argument} sum to ${total}, so no score can be formed. Give at least one a weight such as 1 or -0.5.`,
      { argument },
    )
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
