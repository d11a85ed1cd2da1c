/** The guide operation: how well an image fits weighted prompts, and how each of its pixels would have to change. */

import type { ModelCard } from '../registry/card.ts'
import type { Priority } from '../runtime/queue.ts'
import type { WeightedVector } from '../similarity/weighted.ts'
import type { GradientRow } from './gradient-batcher.ts'
import type { LossKind } from './loss.ts'

export interface GuideRequest {
  image: Uint8Array
  /** Unit vectors and their weights; the |weights| sum to more than 0. */
  prompts: readonly WeightedVector[]
  loss: LossKind
  /** Random views that are averaged; 0 is the image itself. */
  cutouts: number
  seed: number
  /** Computed beside the terms. */
  gradient: boolean
  heatmaps: readonly HeatmapRequest[]
  /** Rates of the steps, the change of the image in the root mean square, RGB in 0..1. */
  steps: readonly number[]
}

export interface HeatmapRequest {
  /** Null for as many cells as the model tells apart. */
  columns: number | null
  rows: number | null
  overlay: boolean
  /** The value of the warmest cell, 0..1; 1 when absent. */
  peak?: number
}

export interface GuideOptions {
  priority?: Priority
  signal?: AbortSignal
}

export interface Guided {
  width: number
  height: number
  terms: Term[]
  /** Sum of weight x loss over the prompts, divided by the sum of |weight|. */
  loss: number
  /** [height, width, 3], d loss / d RGB in 0..1. */
  gradient: Float32Array | null
  heatmaps: Heatmap[]
  /** PNG files, in the order of the rates. */
  steps: Uint8Array[]
}

/** One prompt's part; means over the views. */
export interface Term {
  weight: number
  similarity: number
  loss: number
}

export interface Heatmap {
  columns: number
  rows: number
  /** 0..1, row-major. */
  values: number[]
  /** PNG. */
  overlay: Uint8Array | null
}

/** The process implements it by {@link LocalGuide}. */
export interface Guide {
  /** Null when the model can guide, else why not. */
  unsupportedReason(model: ModelCard): Promise<string | null>
  /** @throws ItemError for the image, BadUserInput when the model cannot guide, Overloaded, the signal's reason */
  guide(model: ModelCard, request: GuideRequest, options?: GuideOptions): Promise<Guided>
  /**
   * Embeddings and gradients of views, the encoder's inputs one after the other, for callers that make views of their
   * own. Views of one bucket share batches with each other alone, so that no other caller's change the last digits.
   */
  gradients(
    model: ModelCard,
    views: Float32Array,
    objective: Pick<GuideRequest, 'prompts' | 'loss'>,
    options: GuideOptions & { bucket: string },
  ): Promise<GradientRow[]>
  close(): Promise<void>
}
