/** How a model's text tower takes its input, as the folder's tokenizer and config files state it. */
export interface TextSpec {
  /** Longest sequence the encoder takes, special tokens included. */
  maxTokens: number
  /** Id that fills a batch. */
  padId: number
  /** `longest`: pad to the longest text of the batch; `max`: always to maxTokens (SigLIP was trained so). */
  padTo: 'longest' | 'max'
  /** The last token a truncated text keeps (CLIP reads its output at the end-of-text token). */
  eosId: number | null
  lowerCase: boolean
  /** SigLIP's tokenizer drops punctuation and joins white space before it tokenizes. */
  canonicalise: boolean
}
