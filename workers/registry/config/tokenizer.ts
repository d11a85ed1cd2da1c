/** tokenizer.json and tokenizer_config.json: how a model's texts become tokens. */

import type { Family } from '../families.ts'
import type { TextSpec } from '../text-spec.ts'
import type { TokenizerFiles } from './folder-config.ts'
import { type Json, positive } from './json.ts'

export interface StatedText {
  maxTokens: number
  /** For a tokenizer that names no padding token. */
  padId?: number | undefined
}

export function readText(
  { tokenizer, config }: TokenizerFiles,
  stated: StatedText,
  { padTo, lowerCase }: Family,
): TextSpec {
  const idOf = tokenIds(tokenizer)
  // A tokenizer that knows no limit states an astronomical one.
  const length = Math.min(stated.maxTokens, config.model_max_length ?? stated.maxTokens)
  // A trait of the tokenizer, not of the family: SigLIP 2 tokenizes with Gemma's, which knows case and punctuation,
  // but saw lower case only and says so.
  const isSiglip = String(config.tokenizer_class ?? '').startsWith('Siglip')
  return {
    maxTokens: positive(length, 'max_position_embeddings'),
    padId: idOf(config.pad_token) ?? stated.padId ?? 0,
    padTo,
    eosId: idOf(config.eos_token) ?? null,
    lowerCase: lowerCase && (config.do_lower_case ?? isSiglip),
    canonicalise: isSiglip,
  }
}

/** Looks a token up that a config names, as text or as an object with its `content`. */
function tokenIds(tokenizer: Json): (token: Json | string | null | undefined) => number | undefined {
  const added: Json[] = tokenizer.added_tokens ?? []
  // Unigram models list [token, score], the id being the place; all others map token to id.
  const listed = tokenizer.model?.vocab ?? {}
  const vocabulary: Json = Array.isArray(listed)
    ? Object.fromEntries(listed.map(([token], id) => [token, id]))
    : listed
  return (token) => {
    const content = typeof token === 'object' ? token?.content : token
    if (content === undefined || content === null) return undefined
    return added.find((entry) => entry.content === content)?.id ?? vocabulary[content]
  }
}
