/** Cleaning of texts by the code around a tokenizer. */
import { decodeHTML } from 'entities'
import type { Cleaning, TextSpec } from '../../registry/text-spec.ts'
import { lower, type Step } from './normalizer.ts'

/** What happens to a text before tokenizer.json. */
export function cleaningStep({ cleaning, lowerCase }: Pick<TextSpec, 'cleaning' | 'lowerCase'>): Step {
  const clean = cleanings[cleaning]
  return lowerCase ? (text) => clean(lower(text)) : clean
}

const joinSpaces: Step = (text) => text.replace(/\p{White_Space}+/gu, ' ').trim()
const dropPunctuation: Step = (text) => text.replace(/[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, '')

const cleanings: Record<Cleaning, Step> = {
  none: (text) => text,
  // big_vision's canonicalize_text as Hugging Face has it.
  siglip: (text) => joinSpaces(dropPunctuation(text)),
  // OpenCLIP's tokenizer.py.
  whitespace: (text) => joinSpaces(basic(text)),
  lower: (text) => joinSpaces(basic(text)).toLowerCase(),
  canonicalize: (text) => joinSpaces(dropPunctuation(basic(text).replaceAll('_', ' ')).toLowerCase()),
}

/**
 * basic_clean: HTML is decoded twice, for texts off the web are often encoded twice. Of the library ftfy before it, the
 * rules for single characters; text that was decoded in a wrong encoding is not mended.
 */
const basic: Step = (text) => decodeHTML(decodeHTML(plainCharacters(text))).trim()

/** ftfy's uncurl_quotes, fix_latin_ligatures, fix_character_width, fix_line_breaks, remove_control_chars and NFC. */
const plainCharacters: Step = (text) =>
  text
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u0132\u0133\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06\u3000\uff01-\uffef]/g, (character) =>
      character.normalize('NFKC'),
    )
    .replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n')
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffb]/g, '')
    .normalize('NFC')
