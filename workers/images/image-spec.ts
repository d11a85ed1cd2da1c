import type { FilterName } from './raster.ts'

/**
 * Part of every model revision: raise it with any change to the pixels of preprocessing. 4: SVGs in physical units or
 * without a size come out whole, and white artwork on transparency lies on black.
 */
export const preprocessingVersion = 4

/** Reference preprocessing, as the model's preprocessor_config.json states it. */
export interface ImageSpec {
  /** Size of the encoder's input in pixels. */
  width: number
  height: number
  /** `cover`: shortest edge to `resizeTo`, then centre crop. `squash`: both edges at once. */
  fit: 'cover' | 'squash'
  /** Length of the shortest edge after the resize of `cover`. */
  resizeTo: number
  /** Pillow's filter. */
  filter: FilterName
  /** Multiplies the 8-bit value before normalising, 1/255 as a rule. */
  rescale: number
  mean: readonly [number, number, number]
  std: readonly [number, number, number]
}
