/** The constants of a graph by name: initializers and the values of Constant nodes. */

import { attribute } from './attributes.ts'
import { type Constant, floats, integers } from './file.ts'
import type { GraphProto, TensorProto } from './proto/schema.ts'

export class Constants {
  readonly #tensors: Map<string, TensorProto>
  /** The inputs of nodes that pass a constant on: Identity, and the Cast that unpacks half-precision weights. */
  readonly #sources = new Map<string, string>()

  constructor(graph: GraphProto) {
    this.#tensors = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
    for (const node of graph.node!) {
      const [output] = node.output as [string]
      const value =
        node.opType === 'Constant' && node.attribute!.find(({ name, t }) => name === 'value' && t)?.t
      if (value) this.#tensors.set(output, value)
      if (node.opType === 'Identity' || (node.opType === 'Cast' && attribute(node, 'to') === 1))
        this.#sources.set(output, node.input![0]!)
    }
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  /** Values as float32; null for a tensor that is computed or of a type that no rewriter computes with. */
  floats(name: string): Constant | null {
    const tensor = this.#tensors.get(name)
    if (tensor) return floats(tensor)
    const source = this.#sources.get(name)
    return source ? this.floats(source) : null
  }

  /** Values of an integer tensor; null for one that is computed. */
  integers(name: string): number[] | null {
    const tensor = this.#tensors.get(name)
    return tensor ? integers(tensor) : null
  }

  /** The value of an integer without dimensions. A list of one index is none: it keeps a dimension of one. */
  index(name: string): number | null {
    const tensor = this.#tensors.get(name)
    if (!tensor || (tensor.dims ?? []).length > 0) return null
    return integers(tensor)?.[0] ?? null
  }
}
