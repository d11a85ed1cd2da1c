/** A patch embedding as a product: a convolution whose windows lie side by side sees each value once. */

import { attribute } from '../../onnx/attributes.ts'
import { floats } from '../../onnx/file.ts'
import type { NodeProto } from '../../onnx/proto/schema.ts'
import type { GraphWriter } from '../../onnx/writer.ts'

/**
 * Writes each such convolution of a fixed-size input as reshapes and one product with a constant matrix, which can be
 * made in 8 bits. `shapes` are those of the tensors with any batch.
 */
export function patchesAsProducts(writer: GraphWriter, shapes: ReadonlyMap<string, number[]>): void {
  const { graph } = writer
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  for (const node of [...graph.node!]) {
    const [input, weights, bias] = node.input as [string, string, string?]
    const [shape, out] = [shapes.get(input), shapes.get(node.output![0]!)]
    const tensor = initializers.get(weights)
    const constant = node.opType === 'Conv' && tensor ? floats(tensor) : null
    if (!constant || shape?.length !== 4 || out?.length !== 4 || !tiles(node, constant.dims, shape)) continue
    const [width, channels, high, wide] = constant.dims as [number, number, number, number]
    const [rows, columns] = out.slice(2) as [number, number]
    const length = channels * high * wide
    // [width, length] to [length, width].
    const transposed = new Float32Array(constant.data.length)
    for (let w = 0; w < width; w++)
      for (let i = 0; i < length; i++) transposed[i * width + w] = constant.data[w * length + i]!
    const before = graph.node!.length
    const reshape = (x: string, to: number[]) => writer.node('Reshape', [x, writer.integers(to)])
    const cut = reshape(input, [0, channels, rows, high, columns, wide])
    const patches = reshape(writer.node('Transpose', [cut], { perm: [0, 2, 4, 1, 3, 5] }), [
      0,
      rows * columns,
      length,
    ])
    const product = writer.node('MatMul', [patches, writer.floats(transposed, [length, width])])
    const sum = bias ? writer.node('Add', [product, bias]) : product
    const planes = writer.node('Transpose', [sum], { perm: [0, 2, 1] })
    writer.node('Reshape', [planes, writer.integers([0, width, rows, columns])], {}, node.output![0]!)
    const added = graph.node!.splice(before)
    graph.node!.splice(graph.node!.indexOf(node), 1, ...added)
  }
}

/** Whether the windows cover the image side by side, without rest. */
function tiles(node: NodeProto, kernel: readonly number[], input: readonly number[]): boolean {
  const list = (name: string, fallback: number[]) => {
    const value = attribute(node, name)
    return Array.isArray(value) ? value : fallback
  }
  const [high, wide] = kernel.slice(2) as [number, number]
  const strides = list('strides', [1, 1])
  return (
    kernel.length === 4 &&
    high * wide > 1 &&
    strides[0] === high &&
    strides[1] === wide &&
    input[2]! % high === 0 &&
    input[3]! % wide === 0 &&
    list('pads', [0]).every((pad) => pad === 0) &&
    list('dilations', [1]).every((d) => d === 1) &&
    Number(attribute(node, 'group') ?? 1) === 1 &&
    ['NOTSET', 'VALID'].includes(String(attribute(node, 'auto_pad') ?? 'NOTSET'))
  )
}
