/** Size of the canvas on which a drawing is optimised. */
import type { ImageSpec } from '../images/image-spec.ts'
import type { Canvas } from './generators/generator.ts'

export interface Size {
  width: number
  height: number
}

/** Longer edge of the canvas in encoder edges, and its bounds in pixels. */
const edgeShare = 1.5
const minEdge = 96
const maxEdge = 224
/** A thread-like drawing still has some pixels across. */
const minShortEdge = 8

/**
 * Maximum numbers of a tensor that has one for each pixel of the canvas and each layer (a shape, or a piece of a stroke).
 * Some ten such tensors are alive in a step: more layers are painted on a smaller canvas.
 */
const maxTensor = 10e6

export function canvasFor(outer: Size, layers: number, encoder: ImageSpec): Canvas {
  const wanted = Math.round(Math.max(encoder.width, encoder.height) * edgeShare)
  const edge = Math.min(maxEdge, Math.max(minEdge, wanted), Math.floor(Math.sqrt(maxTensor / layers)))
  const scale = edge / Math.max(outer.width, outer.height)
  return {
    width: Math.max(minShortEdge, Math.round(outer.width * scale)),
    height: Math.max(minShortEdge, Math.round(outer.height * scale)),
    outer,
  }
}
