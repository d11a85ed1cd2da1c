import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { ItemError, ModelFolderError } from '../errors.ts'
import { readJson } from '../registry/config/json.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { TextSpec } from '../registry/text-spec.ts'

export interface Tokenizer {
  /**
   * The reference tokenizer's ids of a text, special tokens included, at most `maxTokens` long.
   * @throws ItemError EMPTY when the text gives no token
   */
  encode(text: string): number[]
}

/** Reads tokenizer.json and tokenizer_config.json of a model folder. @throws ModelFolderError */
export async function loadTokenizer(spec: Pick<ModelSpec, 'folder' | 'text'>): Promise<Tokenizer> {
  const [tokenizerJson, tokenizerConfig] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map((file) => readJson(spec.folder, file)),
  )
  const tokenizer = build(tokenizerJson, tokenizerConfig)
  const canonical = canonicalise(spec.text)
  return {
    encode(text) {
      const { ids } = tokenizer.encode(canonical(text))
      if (ids.length === 0) throw new ItemError('EMPTY', 'The text has no word that the model can read.')
      return truncate(ids, spec.text)
    },
  }
}

function build(tokenizer: object | null | undefined, config: object | null | undefined) {
  try {
    // The file's own truncation and padding would come before ours and hide the text's length.
    const built = new HuggingFaceTokenizer({ ...tokenizer, truncation: null, padding: null }, config ?? {})
    // Some faults of the file show only here.
    built.encode('a')
    return built
  } catch (error) {
    throw new ModelFolderError(
      `tokenizer.json with tokenizer_config.json makes no tokenizer: ${(error as Error).message}`,
    )
  }
}

/** Keeps the beginning and the end token of a text that is too long, as the reference tokenizers do. */
function truncate(ids: number[], { maxTokens, eosId }: TextSpec): number[] {
  if (ids.length <= maxTokens) return ids
  const kept = ids.slice(0, maxTokens)
  if (eosId !== null && ids.at(-1) === eosId) kept[maxTokens - 1] = eosId
  return kept
}

/** SigLIP's canonicalize_text: no punctuation, single spaces (big_vision's tokenizer, Hugging Face's SiglipTokenizer). */
function canonicalise({ canonicalise, lowerCase }: TextSpec): (text: string) => string {
  const punctuation = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g
  return (text) => {
    const cased = lowerCase ? text.toLowerCase() : text
    return canonicalise ? cased.replace(punctuation, '').replace(/\s+/g, ' ').trim() : cased
  }
}

/** Row-major ids and mask of a batch, each row `length` long. */
export interface TokenBatch {
  ids: BigInt64Array
  mask: BigInt64Array
  rows: number
  length: number
}

/** Pads each row to `length` with the model's padding id. */
export function padBatch(rows: readonly (readonly number[])[], length: number, padId: number): TokenBatch {
  const ids = new BigInt64Array(rows.length * length).fill(BigInt(padId))
  const mask = new BigInt64Array(rows.length * length)
  rows.forEach((row, r) => {
    row.forEach((id, i) => {
      ids[r * length + i] = BigInt(id)
      mask[r * length + i] = 1n
    })
  })
  return { ids, mask, rows: rows.length, length }
}
