/** The products with constant matrices of a float graph: those that can be made in 8 bits. */

import { attribute } from '../../onnx/attributes.ts'
import { type Constant, floats } from '../../onnx/file.ts'
import type { GraphProto, NodeProto, TensorProto } from '../../onnx/proto/schema.ts'

/** A product with a constant matrix. */
export interface Product {
  /** Name of its output: names it among the model's layers. */
  name: string
  node: NodeProto
  /** The activations, [..., k]. */
  input: string
  /** [k, n]. */
  weights: Weights
  /** Name of what the product itself adds, null where another node does. */
  bias: string | null
}

/** A constant whose values are read on demand: all of a model's at once would be its size again. */
interface Weights {
  dims: number[]
  read(): Constant
}

const FLOAT = 1
const HALF = 10
/** Products of fewer weights are not worth the rounding. */
const minWeights = 4096

/** The products of a graph that can be made in 8 bits, in the graph's order. */
export function products(graph: GraphProto): Product[] {
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  const producer = new Map(graph.node!.flatMap((node) => node.output!.map((name) => [name, node] as const)))
  const weightsOf = (tensor: TensorProto): Weights | null =>
    tensor.dataType === FLOAT || tensor.dataType === HALF
      ? { dims: (tensor.dims ?? []).map(Number), read: () => floats(tensor)! }
      : null
  const constant = (name: string | undefined): Weights | null => {
    if (!name) return null
    const tensor = initializers.get(name)
    if (tensor) return weightsOf(tensor)
    const node = producer.get(name)
    if (node?.opType === 'Identity') return constant(node.input![0]!)
    // Half-precision weights are unpacked by a Cast to float.
    if (node?.opType === 'Cast' && attribute(node, 'to') === 1) return constant(node.input![0]!)
    if (node?.opType === 'Transpose') return transposed(node, constant(node.input![0]!))
    const value = node?.opType === 'Constant' && node.attribute!.find(({ name }) => name === 'value')?.t
    return value ? weightsOf(value) : null
  }
  return graph.node!.flatMap((node): Product[] => {
    if (node.domain || !['MatMul', 'Gemm'].includes(node.opType!)) return []
    const [input, second, third] = node.input as [string, string, string?]
    let weights = constant(second)
    if (weights?.dims.length !== 2 || weights.dims[0]! * weights.dims[1]! < minWeights || constant(input))
      return []
    const name = node.output![0]!
    if (node.opType === 'Gemm') {
      const plain = ['alpha', 'beta'].every((factor) => (attribute(node, factor) ?? 1) === 1)
      if (!plain || attribute(node, 'transA')) return []
      if (attribute(node, 'transB')) weights = transpose(weights)
    }
    return [{ name, node, input, weights, bias: third || null }]
  })
}

function transpose({ dims, read }: Weights): Weights {
  const [rows, columns] = dims as [number, number]
  return {
    dims: [columns, rows],
    read() {
      const { data } = read()
      const out = new Float32Array(data.length)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!
      return { dims: [columns, rows], data: out }
    },
  }
}

function transposed(node: NodeProto, weights: Weights | null): Weights | null {
  const perm = attribute(node, 'perm')
  const swaps = !perm || (Array.isArray(perm) && perm.join() === '1,0')
  return weights?.dims.length === 2 && swaps ? transpose(weights) : null
}
