import type { NodeProto } from '../onnx/proto/schema.ts'
import type { GraphWriter } from '../onnx/writer.ts'

const broadcasting = new Set('Add Sub Mul Div Pow Min Max Sum Mean Where Expand'.split(' '))

/** Sums the gradient of a node's input over the dimensions along which the node repeated that input. */
export function unbroadcast(
  writer: GraphWriter,
  gradient: string,
  node: NodeProto,
  input: number,
  shapes: ReadonlyMap<string, number[]>,
): string {
  const from = gradientShape(node, input, shapes)
  const to = shapes.get(node.input![input]!)!
  const extra = from.length - to.length
  const leading = Array.from({ length: extra }, (_, i) => i)
  const sum = extra > 0 ? writer.sum(gradient, leading, false) : gradient
  const axes = to.flatMap((size, i) => (size === 1 && from[i + extra] !== 1 ? [i] : []))
  return axes.length > 0 ? writer.sum(sum, axes) : sum
}

/** The shape of the gradient that a rule gives for an input: that of the output where the operator broadcasts. */
function gradientShape(node: NodeProto, input: number, shapes: ReadonlyMap<string, number[]>): number[] {
  const own = shapes.get(node.input![input]!)!
  const output = shapes.get(node.output![0]!)!
  if (node.opType === 'MatMul') return [...output.slice(0, -2), ...own.slice(-2)]
  return broadcasting.has(node.opType!) || (node.opType === 'Gemm' && input === 2) ? output : own
}
