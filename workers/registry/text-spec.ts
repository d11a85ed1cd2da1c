/** How a model's text tower takes its input, as the folder's tokenizer and config files state it. */
export interface TextSpec {
  /** Longest sequence the encoder takes, special tokens included. */
  maxTokens: number
  /** Which end of a text that is too long stays. */
  truncateSide: Side
  /** Id that fills a batch. */
  padId: number
  /** Where padding goes. */
  padSide: Side
  /** `longest`: pad to the longest text of the batch where that changes no vector; `max`: always to padLength. */
  padTo: 'longest' | 'max'
  padLength: number
  /** Lower case before anything else, beyond the steps that tokenizer.json states. */
  lowerCase: boolean
  cleaning: Cleaning
}

export type Side = 'left' | 'right'

/**
 * Cleaning by the code around a tokenizer, before it. `siglip`: Hugging Face's SiglipTokenizer, which drops punctuation.
 * The others are OpenCLIP's, for its `clean`: all decode HTML and join white space, `lower` and `canonicalize` know no
 * case, and `canonicalize` drops punctuation.
 */
export type Cleaning = 'none' | 'siglip' | 'whitespace' | 'lower' | 'canonicalize'
