import type { Provider } from '../runtime/provider.ts'
import type { ModelCard } from './card.ts'

/** The halves of a dual encoder: the vision tower takes images, the text tower texts. */
export const towers = ['vision', 'text'] as const

export type Tower = (typeof towers)[number]

/** A model as a folder of this machine: its card, and where its files are. Read from the folder's config files alone. */
export interface ModelSpec extends ModelCard {
  /** Absolute path of the folder. */
  folder: string
  /** The folder is one of the Hugging Face cache, which Limn does not write to. */
  cached?: boolean
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

/** Either two encoders or one combined graph that is run for either tower. Paths are absolute. */
export type ModelFiles =
  | { kind: 'separate'; vision: string; text: string; precision: Precision }
  | { kind: 'combined'; model: string; precision: Precision }

export type Precision = 'fp32' | 'fp16' | 'int8' | 'uint8' | 'q4' | 'q4f16' | 'bnb4'
