/**
 * The normalizer of a tokenizer.json as one function. Regular expressions are @huggingface/tokenizers' work, which
 * translates Oniguruma's; the other steps are here, for it has no character maps and lower-cases a text as a whole.
 */
import * as library from '@huggingface/tokenizers'
import type { Json } from '../../registry/config/json.ts'
import { charsmapStep } from './charsmap.ts'

export type Step = (text: string) => string

/** The package exports it, and its declarations do not resolve. */
const { ReplaceNormalizer } = library as unknown as {
  ReplaceNormalizer: new (config: Json) => { normalize: Step }
}

/** `config` is that of the tokenizer: BERT's tokenizer takes case and accents from there. @throws Error for an unknown step */
export function normalizerStep(normalizer: Json | null | undefined, config: Json): Step {
  if (!normalizer) return (text) => text
  const { type } = normalizer
  switch (type) {
    case 'Sequence': {
      const steps: Step[] = (normalizer.normalizers ?? []).map((inner: Json) => normalizerStep(inner, config))
      return (text) => steps.reduce((result, step) => step(result), text)
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(type)
    case 'Lowercase':
      return lower
    case 'Strip':
      return stripStep(normalizer)
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '')
    case 'Replace': {
      const replace = new ReplaceNormalizer(normalizer)
      return (text) => replace.normalize(text)
    }
    case 'Prepend':
      return (text) => (text ? normalizer.prepend + text : text)
    case 'Precompiled':
      return normalizer.precompiled_charsmap ? charsmapStep(normalizer.precompiled_charsmap) : (text) => text
    case 'BertNormalizer':
      return bertStep(normalizer, config)
    case 'Nmt':
      return nmt
    default:
      throw new Error(`its normalizer "${type}" is not supported`)
  }
}

/** Character by character, as Rust does it: a sigma at the end of a word is no other than one in the middle. */
export const lower: Step = (text) => Array.from(text, (character) => character.toLowerCase()).join('')

function stripStep({ strip_left: left = true, strip_right: right = true }: Json): Step {
  return (text) => {
    const begun = left ? text.replace(/^\p{White_Space}+/u, '') : text
    return right ? begun.replace(/\p{White_Space}+$/u, '') : begun
  }
}

function bertStep(normalizer: Json, config: Json): Step {
  const lowercase = config.do_lower_case ?? normalizer.lowercase ?? true
  const accents = config.strip_accents ?? normalizer.strip_accents ?? lowercase
  const steps: Step[] = []
  if (normalizer.clean_text ?? true)
    steps.push(
      (text) => text.replace(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, ''),
      (text) => text.replace(/\p{White_Space}/gu, ' '),
    )
  if (config.tokenize_chinese_chars ?? normalizer.handle_chinese_chars ?? true)
    steps.push((text) => text.replace(ideographs, ' $& '))
  if (accents) steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''))
  if (lowercase) steps.push(lower)
  return (text) => steps.reduce((result, step) => step(result), text)
}

/** The blocks that BERT's own code lists. */
const ideographs =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/** SentencePiece's rules for machine translation: control characters go, and all kinds of space are one. */
const nmt: Step = (text) =>
  text
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, '')
    .replace(/[\u0009\u000a\u000c\u000d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ')
