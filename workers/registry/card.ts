import type { ImageSpec } from '../images/image-spec.ts'
import type { Head } from '../similarity/probability.ts'
import type { Purpose } from './purpose.ts'
import type { TextSpec } from './text-spec.ts'

/**
 * Everything that callers may know of a model, and all that other machines need to: it holds no path and may cross a
 * wire. {@link ModelSpec} is the same model as a folder of this machine.
 */
export interface ModelCard extends Purpose {
  /** The model's id: the folder's name, e.g. `limn-icons` or `Xenova/clip-vit-base-patch32`. */
  name: string
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
}

/** The part of a model that may leave this machine. */
export function cardOf({
  name,
  bundled,
  licence,
  domain,
  knows,
  revision,
  dimensions,
  image,
  text,
  head,
}: ModelCard): ModelCard {
  return { name, bundled, licence, domain, knows, revision, dimensions, image, text, head }
}
