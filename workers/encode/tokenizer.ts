import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { ItemError, ModelFolderError } from '../errors.ts'
import { type Json, readJson } from '../registry/config/json.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { Side } from '../registry/text-spec.ts'
import { cleaningStep } from './tokenizer/clean.ts'
import { normalizerStep } from './tokenizer/normalizer.ts'
import { specialTokens } from './tokenizer/special-tokens.ts'

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
  const { maxTokens, truncateSide } = spec.text
  const clean = cleaningStep(spec.text)
  const { idsOf, before, after } = build(tokenizerJson ?? {}, tokenizerConfig ?? {})
  const room = maxTokens - before.length - after.length
  if (room < 1)
    throw new ModelFolderError(
      `the model takes ${maxTokens} tokens, which leaves no room for a text between the special ones.`,
    )
  return {
    encode(text) {
      const ids = idsOf(clean(text))
      const kept = truncateSide === 'right' ? ids.slice(0, room) : ids.slice(-room)
      const all = [...before, ...kept, ...after]
      if (all.length === 0) throw new ItemError('EMPTY', 'The text has no word that the model can read.')
      return all
    },
  }
}

/** The tokens of a text alone, and those around it. */
function build(tokenizer: Json, config: Json) {
  try {
    const normalise = normalizerStep(tokenizer.normalizer, config)
    const added: Json[] = (tokenizer.added_tokens ?? []).map((token: Json) =>
      (token.normalized ?? !token.special) ? { ...token, content: normalise(token.content) } : token,
    )
    // The steps before and behind the model are ours. A normalizer that does nothing stands in for ours until it is
    // built: with none at all the library would look for normalised tokens in the text as it came.
    const built = new HuggingFaceTokenizer(
      {
        ...tokenizer,
        normalizer: { type: 'Sequence', normalizers: [] },
        post_processor: null,
        added_tokens: added,
      },
      config,
    )
    Object.assign(built, { normalizer: normalise })
    const { unk_id: unknown, byte_fallback: byBytes, type } = tokenizer.model
    const inBytes = type === 'Unigram' && byBytes ? byteTokens(tokenizer.model.vocab) : null
    const idsOf = (text: string): number[] => {
      const { ids, tokens } = built.encode(text)
      if (!inBytes) return ids
      return ids.flatMap((id: number, i: number) => (id === unknown ? inBytes(tokens[i]!) : [id]))
    }
    // Some of what is missing shows only here.
    idsOf('a')
    return { idsOf, ...specialTokens(tokenizer, config) }
  } catch (error) {
    throw new ModelFolderError(
      `tokenizer.json with tokenizer_config.json makes no tokenizer: ${(error as Error).message}`,
    )
  }
}

/** A Unigram model may have a token for each byte, for pieces that it does not know; the library has it for BPE only. */
function byteTokens(vocabulary: [string, number][]): (piece: string) => number[] {
  const ids = new Map(vocabulary.map(([token], id) => [token, id]))
  return (piece) =>
    Array.from(Buffer.from(piece), (byte) => {
      const token = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
      const id = ids.get(token)
      if (id === undefined) throw new Error(`byte_fallback is on, and there is no token ${token}`)
      return id
    })
}

/** Row-major ids and mask of a batch, each row `length` long. */
export interface TokenBatch {
  ids: BigInt64Array
  mask: BigInt64Array
  rows: number
  length: number
}

/** Pads each row to `length` with the model's padding id. */
export function padBatch(
  rows: readonly (readonly number[])[],
  length: number,
  padId: number,
  side: Side = 'right',
): TokenBatch {
  const ids = new BigInt64Array(rows.length * length).fill(BigInt(padId))
  const mask = new BigInt64Array(rows.length * length)
  rows.forEach((row, r) => {
    const start = r * length + (side === 'left' ? length - row.length : 0)
    row.forEach((id, i) => {
      ids[start + i] = BigInt(id)
      mask[start + i] = 1n
    })
  })
  return { ids, mask, rows: rows.length, length }
}
