import { stem } from '../../prisma/words/text/stem.ts'
import type { Context } from '../core/context.ts'
import type { SearchOptions } from './find.ts'

const maxSuggestions = 5
/** Words that are looked through for those that are no forms of one another. */
const looked = 40

/**
 * Texts to look for instead, which do have matches: where the library lacks a word of the first text, that text with the
 * word spelled as the library has it, then words that mean something near.
 */
export async function suggest({ mode, words, model }: SearchOptions, context: Context): Promise<string[]> {
  const [first] = words
  if (mode === 'MEANING' || !first) return []
  const { plain, alternatives } = first.words
  const unknown = await context.database.words.unknown(first.words)
  if (unknown.length === 0) return []
  const found: string[] = []
  const spelled = await Promise.all(unknown.map((word) => context.suggestions.spelled(word)))
  for (const [n, word] of unknown.entries())
    for (const near of spelled[n]!.slice(0, 2)) found.push(replaced(plain, word, near))
  const asked = alternatives.flat().flatMap(({ word }) => (word === null ? [] : [stem(word)]))
  const concept = await context.loaders.concept(model)({ text: plain })
  if (!(concept instanceof Error)) {
    const seen = new Set(asked)
    for (const word of await context.suggestions.meant(concept.vector, model.card, looked)) {
      if (seen.has(stem(word)) || found.includes(word)) continue
      seen.add(stem(word))
      found.push(word)
    }
  }
  return [...new Set(found)].slice(0, maxSuggestions)
}

/** In the text as it was typed, where the word stands there so; else the new word alone. */
function replaced(text: string, word: string, near: string): string {
  const at = text.toLowerCase().indexOf(word)
  return at < 0 ? near : (text.slice(0, at) + near + text.slice(at + word.length)).trim()
}
