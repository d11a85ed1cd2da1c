/** tokenizer.json, tokenizer_config.json and special_tokens_map.json: how a model's texts become tokens. */
import { ModelFolderError } from '../../errors.ts'
import type { Cleaning, Side, TextSpec } from '../text-spec.ts'
import type { TokenizerFiles } from './folder-config.ts'
import { type Json, positive } from './json.ts'

/** What the model's own config says of its texts, and the family for what it leaves out. */
export interface StatedText {
  maxTokens: number
  padTo: TextSpec['padTo']
  /** For a tokenizer that names no padding token. */
  padId?: number | undefined
  /** Where `do_lower_case` is not stated. */
  lowerCase: boolean
  cleaning: Cleaning
}

/** A tokenizer that knows no limit states an astronomical one. */
const noLimit = 1e6

/** @throws ModelFolderError */
export function readText(files: TokenizerFiles, stated: StatedText): TextSpec {
  const { tokenizer, config } = files
  const { padding, truncation } = tokenizer
  const limit = config.model_max_length < noLimit ? config.model_max_length : truncation?.max_length
  const fixed = padding?.strategy?.Fixed
  const maxTokens = positive(Math.min(stated.maxTokens, limit ?? stated.maxTokens), 'max_position_embeddings')
  return {
    maxTokens,
    truncateSide: side(config.truncation_side ?? truncation?.direction, 'truncation_side'),
    padId: readPadId(files) ?? stated.padId ?? 0,
    padSide: side(config.padding_side ?? padding?.direction, 'padding_side'),
    padTo: fixed === undefined ? stated.padTo : 'max',
    padLength: Math.min(maxTokens, positive(fixed ?? maxTokens, 'padding.strategy.Fixed')),
    lowerCase: config.do_lower_case ?? stated.lowerCase,
    cleaning: stated.cleaning,
  }
}

function side(value: unknown, field: string): Side {
  const name = String(value ?? 'right').toLowerCase()
  if (name === 'left' || name === 'right') return name
  throw new ModelFolderError(`tokenizer_config.json: ${field} "${value}" is neither left nor right.`)
}

/** The token that a config names comes before the id that tokenizer.json pads with. */
function readPadId({ tokenizer, config, specialTokens }: TokenizerFiles): number | undefined {
  const named = config.pad_token ?? specialTokens.pad_token
  if (named === undefined || named === null) return tokenizer.padding?.pad_id
  const id = tokenId(tokenizer, named)
  if (id === undefined)
    throw new ModelFolderError(
      `tokenizer_config.json: the pad_token ${JSON.stringify(contentOf(named))} is not in tokenizer.json.`,
    )
  return id
}

const contentOf = (token: Json | string) => (typeof token === 'object' ? token.content : token)

/** Looks a token up that a config names, as text or as an object with its `content`. */
export function tokenId(tokenizer: Json, token: Json | string | null | undefined): number | undefined {
  if (token === undefined || token === null) return undefined
  const content = contentOf(token)
  const added: Json | undefined = tokenizer.added_tokens?.find((entry: Json) => entry.content === content)
  if (added) return added.id
  // Unigram models list [token, score], the id being the place; all others map token to id.
  const vocabulary = tokenizer.model?.vocab ?? {}
  if (!Array.isArray(vocabulary)) return vocabulary[content]
  const place = vocabulary.findIndex(([entry]) => entry === content)
  return place < 0 ? undefined : place
}
