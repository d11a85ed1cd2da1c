/** What a search asks for by words, in each mode. */
import type { GivenPrompt } from '../../prisma/words/query/plan.ts'
import { maxPlanTerms, promptWords } from '../../prisma/words/query/terms.ts'
import { BadUserInput, ItemError } from '../../workers/errors.ts'
import type { Head } from '../../workers/similarity/probability.ts'
import { builder } from '../core/builder.ts'
import { asRequestError } from '../core/errors.ts'
import type { PlacedPrompt } from '../core/prompts.ts'
import { checkedText } from '../core/resolve-concepts.ts'

export const SearchMode = builder.enumType('SearchMode', {
  description: 'What a search looks at.',
  values: {
    HYBRID: {
      description:
        'Meaning, and the words of names, titles, tags, collections and descriptions: an image that is called what is asked for comes first. "cat -dog" excludes by words, and "a phrase" is looked for as one. Prompts with weights below 0, images and vectors count by meaning alone.',
    },
    MEANING: { description: 'Vectors alone: the text is read by the model as it stands.' },
    WORDS: {
      description:
        'Words alone, of texts with weights above 0: no model reads them, and images without a vector are found too.',
    },
  },
})

export type Mode = typeof SearchMode.$inferType

export interface Asked {
  /** What the encoder is to read: texts without what they exclude. */
  prompts: PlacedPrompt[]
  /** Texts that are looked for by words; empty where nothing is. */
  words: GivenPrompt[]
  /** As they were given, for cursors. */
  texts: string[]
}

/**
 * A full match by words counts as much as this many nats of evidence by the model's own reading of its cosines (logits:
 * see Head): the same for models whose cosines spread wide and for those whose cosines lie close together. Measured:
 * `npm run bench -- finding`.
 */
const evidence = 20

/** What full coverage by words adds to a cosine of this model. */
export const wordStrength = ({ scale }: Head): number => evidence / scale

/** @throws BadUserInput for a text that only excludes, and in mode WORDS for a prompt without words */
export function askedBy(given: readonly PlacedPrompt[], mode: Mode): Asked {
  const asked: Asked = { prompts: [...given], words: [], texts: [] }
  if (mode === 'MEANING') return asked
  let terms = maxPlanTerms
  asked.prompts = given.map((prompt) => {
    const { concept, weight, place } = prompt
    if (concept.text == null || weight <= 0) {
      if (mode === 'WORDS' && weight !== 0)
        throw new BadUserInput(
          `${place} is ${concept.text == null ? 'no text' : 'a text with a weight below 0'}; mode WORDS looks for texts with weights above 0. Leave it out, or use HYBRID.`,
          { argument: place },
        )
      return prompt
    }
    const text = textOf(concept.text, place)
    const words = promptWords(text, terms)
    terms -= words.alternatives.flat().length
    if (words.plain.trim() === '' && words.excluded.length > 0)
      throw new BadUserInput(
        `${place} only excludes. Add words to look for, or list all other images by assets(where: { text: ... }).`,
        { argument: place },
      )
    asked.words.push({ words, weight })
    asked.texts.push(text)
    return { ...prompt, concept: { ...concept, text: words.plain } }
  })
  return asked
}

/** @throws BadUserInput */
function textOf(text: string, place: string): string {
  try {
    return checkedText(text)
  } catch (error) {
    if (error instanceof ItemError) throw asRequestError(error, place)
    throw error
  }
}
