/**
 * The model families that Limn reads, by `model_type` of config.json: one row a family. A row says only what config
 * files leave out; what a folder states comes first. A new family is a row here and a fixture in
 * test/unit/registry/families.ts.
 */

import type { ImageSpec } from '../images/image-spec.ts'
import type { Head } from '../similarity/probability.ts'
import type { TextSpec } from './text-spec.ts'

export interface Family {
  /** Head of the published checkpoints, for a folder that states no scale or bias. */
  head: Head
  /** Mean and standard deviation of the pixels. */
  normalisation: Pick<ImageSpec, 'mean' | 'std'>
  /** Length of an embedding, where config.json has no `projection_dim`; some read it off the vision tower. */
  dimensions(vision: { hidden_size?: number }): number
  maxTokens: number
  padTo: TextSpec['padTo']
  /** The image processor of the published checkpoints, for a folder that names none. */
  imageProcessor: string
  /** Whether texts of the training were lower case, for a tokenizer that does not say. CLIP's tokenizer.json has the step itself. */
  lowerCase: boolean
}

/** Radford et al. 2021; the paper clamps the learned scale at 100 (section 2.5). */
const clip: Family = {
  head: { kind: 'softmax', scale: 100 },
  normalisation: {
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
  dimensions: () => 512,
  maxTokens: 77,
  padTo: 'longest',
  imageProcessor: 'CLIPImageProcessor',
  lowerCase: false,
}

/** Zhai et al. 2023; scale and bias of the published base model. */
const siglip: Family = {
  head: { kind: 'sigmoid', scale: 117.33, bias: -12.93 },
  normalisation: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  dimensions: ({ hidden_size }) => hidden_size ?? 768,
  maxTokens: 64,
  padTo: 'max',
  imageProcessor: 'SiglipImageProcessor',
  lowerCase: true,
}

export const families = {
  clip,
  // MobileCLIP's exports call themselves clip or mobileclip.
  mobileclip: clip,
  mobileclip2: clip,
  chinese_clip: clip,
  altclip: clip,
  jina_clip: clip,
  siglip,
  siglip2: siglip,
} satisfies Record<string, Family>

/** Null where no row has the type. */
export const familyOf = (modelType: string): Family | null =>
  Object.hasOwn(families, modelType) ? families[modelType as keyof typeof families] : null
