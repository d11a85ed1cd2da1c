import type { ImageSpec } from '../images/image-spec.ts'
import type { Provider } from '../runtime/provider.ts'
import type { Head } from '../similarity/probability.ts'

/** The halves of a dual encoder: the vision tower takes images, the text tower texts. */
export const towers = ['vision', 'text'] as const

export type Tower = (typeof towers)[number]

/** What a model folder says about itself: everything the encoder needs, read from its config files alone. */
export interface ModelSpec {
  /** The model's id: the folder's name, e.g. `limn-icons` or `Xenova/clip-vit-base-patch32`. */
  name: string
  /** Absolute path of the folder. */
  folder: string
  bundled: boolean
  /** SPDX-like name from the model card's front matter; `unknown` when the card does not say. */
  licence: string
  /** Hex digest over weights, tokenizer, configs and the preprocessing version. Vectors of different revisions are never compared. */
  revision: string
  /** Length of an embedding. */
  dimensions: number
  image: ImageSpec
  text: TextSpec
  head: Head
  /** As the folder has them; what gradients are derived from. */
  files: ModelFiles
  /** What serves instead on a provider, where files were derived for it and chosen. */
  variants: readonly Variant[]
}

/** Files derived from a model's own; a tower that is not derived has its own file here too. */
export interface Variant {
  provider: Provider
  name: 'int8' | 'fp16'
  towers: readonly Tower[]
  /** Whether its vectors may stand beside those of the model's own files. */
  sameSpace: boolean
  files: ModelFiles
  /** Whether the fp32 file gives a short text the same vector however it is padded; rounding blurs the answer here. */
  shortTexts: boolean
}

export const variantFor = ({ variants }: ModelSpec, provider: Provider): Variant | null =>
  variants.find((variant) => variant.provider === provider) ?? null

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

/** Either two encoders or one combined graph that is run for either tower. Paths are absolute. */
export type ModelFiles =
  | { kind: 'separate'; vision: string; text: string; precision: Precision }
  | { kind: 'combined'; model: string; precision: Precision }

export type Precision = 'fp32' | 'fp16' | 'int8' | 'uint8' | 'q4' | 'q4f16' | 'bnb4'
