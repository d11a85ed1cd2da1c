import type { Size } from '../canvas.ts'
import type { StartImage } from '../start-image.ts'
import type { Canvas } from './generator.ts'
import type { Rgb } from './notation.ts'

/** All that a generator may be made from. */
export interface GeneratorOptions {
  /** Size of the drawing that was asked for. */
  size: Size
  /** The canvas for a drawing of some size; a step holds so many layers of the canvas's size in memory. */
  canvas(size: Size, layers: number): Canvas
  /** Shapes or strokes. */
  elements: number
  palette: readonly Rgb[] | null
  /** 0 to 1, from the drawing's seed. */
  random: () => number
  start: StartImage | null
}
