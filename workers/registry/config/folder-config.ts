import type { ModelSpec } from '../spec.ts'
import type { Json } from './json.ts'

/** The part of a model's spec that its config files state. */
export type FolderConfig = Pick<ModelSpec, 'dimensions' | 'image' | 'text' | 'head'>

/** The files of a folder's tokenizer. */
export interface TokenizerFiles {
  /** tokenizer.json */
  tokenizer: Json
  /** tokenizer_config.json */
  config: Json
  /** special_tokens_map.json; empty when there is none. */
  specialTokens: Json
}

/** Scale and bias of the logits as a checkpoint holds them: the scale as its natural logarithm. */
export interface LogitScalars {
  logit_scale?: number
  logit_bias?: number
}

/** Reads those that are wanted, as far as the graphs of the folder have them. */
export type ReadScalars = (wanted: readonly (keyof LogitScalars)[]) => Promise<LogitScalars>
