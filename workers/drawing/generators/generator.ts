/** What makes an image out of numbers that can be optimised. */
import type { ModelProto } from '../../onnx/proto/schema.ts'
import { GraphBuilder, type ValueInfo } from '../../onnx/writer.ts'

/** Numbers that are optimised together. */
export interface Parameter {
  name: string
  dims: readonly number[]
  data: Float32Array
  /** Size of a step at the beginning, in units of the numbers. */
  rate: number
}

/** Numbers that change with progress and are not optimised. */
export type Controls = Record<string, number>

export interface Generator {
  /** Size of the image that the graph makes. */
  width: number
  height: number
  parameters: Parameter[]
  /** From the parameters and controls, by name, to `image` [3, width * height], RGB in 0..1. */
  model: ModelProto
  /** `progress` from 0 to 1. */
  controls(progress: number): Controls
  /** The drawing as it is now; null where there is none but pixels. */
  svg(progress: number): string | null
  /** Adds the gradient of the generator's own preferences, with respect to the image. */
  prior?(image: Float32Array, gradient: Float32Array): void
  /** The same for the gradient with respect to a parameter. */
  regularise?(parameter: Parameter, gradient: Float32Array): void
  /** The search that follows the steps: exact alternatives, of which the best is kept. */
  refine?(): Refinement
}

/** A local search over choices that have no gradient. */
export interface Refinement {
  /** Drawings that differ from the present one in one choice; empty when the search is over. */
  candidates(): string[]
  /** Keeps a candidate, or with -1 the present drawing. */
  keep(index: number): void
}

/** A canvas and what its image is to look like outside. */
export interface Canvas {
  width: number
  height: number
  /** Size of the drawing, in user units. */
  outer: { width: number; height: number }
}

export const imageName = 'image'

/** A builder that remembers its inputs. */
export class Draw extends GraphBuilder {
  readonly #inputs: ValueInfo[] = []

  input(name: string, shape: readonly number[]): string {
    this.#inputs.push({ name, shape: [...shape] })
    return name
  }

  /** Row vectors of the middles of all pixels, [1, pixels], the longer edge being 1. */
  grid({ width, height }: { width: number; height: number }): { x: string; y: string } {
    const edge = Math.max(width, height)
    const all = Array.from({ length: width * height }, (_, p) => p)
    return {
      x: this.floats(
        all.map((p) => ((p % width) + 0.5) / edge),
        [1, width * height],
      ),
      y: this.floats(
        all.map((p) => (Math.floor(p / width) + 0.5) / edge),
        [1, width * height],
      ),
    }
  }

  /**
   * Layers over a background, the first at the back: coverage [n, pixels], colours [n, 3], background [1, 3] to
   * [3, pixels]. A layer is seen through what the later ones leave: the exclusive product of 1 - coverage.
   */
  composite(coverage: string, colours: string, background: string): string {
    const clear = this.op('Log', this.sub(1 + 1e-4, coverage))
    const behind = this.node('CumSum', [clear, this.integers([0], [])], { exclusive: 1, reverse: 1 })
    const seen = this.mul(coverage, this.op('Exp', behind))
    const through = this.op('Exp', this.sum(clear, [0], true))
    const painted = this.op('MatMul', this.node('Transpose', [colours], { perm: [1, 0] }), seen)
    const paper = this.op('MatMul', this.node('Transpose', [background], { perm: [1, 0] }), through)
    return this.add(painted, paper)
  }

  finish(image: string, pixels: number): ModelProto {
    this.node('Identity', [image], {}, imageName)
    return this.model(this.#inputs, [{ name: imageName, shape: [3, pixels] }])
  }
}

/**
 * What an opaque element must take from the loss to stay, and how much a half-transparent one costs above that: those
 * that do not matter fade, the others become solid, and a drawing has no clutter.
 */
const costOfElement = 0.006
const costOfHalf = 0.02

/** Adds the cost of being seen, c o + h o (1 - o), to the gradient of opacities o, which are given as logits. */
export function fade({ data }: Parameter, gradient: Float32Array): void {
  for (const [i, value] of data.entries()) {
    const opacity = sigmoid(value)
    gradient[i]! += (costOfElement + costOfHalf * (1 - 2 * opacity)) * opacity * (1 - opacity)
  }
}

/** An element that is less opaque is left out of the drawing. */
export const invisible = 0.06

export const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
export const logit = (p: number) => Math.log(p / (1 - p))
