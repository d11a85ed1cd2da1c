import type { ModelCard } from '../registry/card.ts'
import type { WeightedVector } from '../similarity/weighted.ts'
import type { GeneratorName } from './generators/index.ts'

/** The drawing that a run makes. */
export interface DrawingRequest {
  generator: GeneratorName
  steps: number
  seed: number
  /** Size of the drawing; RECOLOUR keeps its SVG's. */
  width: number
  height: number
  /** Shapes or strokes. */
  elements: number
  /** Hex colours. */
  palette: readonly string[] | null
  /** An image to begin with, or RECOLOUR's SVG. */
  start: Uint8Array | null
}

/** A drawing, and the prompts that it is to fit in a model's space. */
export interface RunRequest extends DrawingRequest {
  model: ModelCard
  prompts: readonly WeightedVector[]
}
