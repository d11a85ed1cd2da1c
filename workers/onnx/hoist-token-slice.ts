import type { onnx } from 'onnx-proto'
import { integers } from './file.ts'
import { attribute, type GraphWriter } from './writer.ts'

/** Operators that treat each token [n, token, width] by itself. */
const unary = new Set(
  'Identity Neg Abs Exp Log Sqrt Erf Tanh Sigmoid Relu Gelu QuickGelu Cast Dropout Reciprocal'.split(' '),
)
const binary = new Set('Add Sub Mul Div Pow'.split(' '))

/**
 * A transformer that is pooled by taking one token (CLIP's class token) needs only that token of its last layer: the
 * choice is moved up to before whatever treats tokens one by one. Only what nothing else reads is done for one token:
 * the sum of all layers before stays one stream. `shapes` gains those of the new tensors.
 */
export function hoistTokenSlice(writer: GraphWriter, shapes: Map<string, number[]>): void {
  const { graph } = writer
  const constants = new Set(graph.initializer!.map(({ name }) => name!))
  for (const node of graph.node!) if (node.opType === 'Constant') constants.add(node.output![0]!)
  const scalars = new Map<string, number>()
  const note = (name: string, tensor: onnx.ITensorProto | null | undefined) => {
    // A list of one index would keep a dimension of one.
    const values = tensor && (tensor.dims ?? []).length === 0 && integers(tensor)
    if (values && values.length === 1) scalars.set(name, values[0]!)
  }
  for (const tensor of graph.initializer!) note(tensor.name!, tensor)
  for (const node of graph.node!)
    if (node.opType === 'Constant')
      note(node.output![0]!, node.attribute!.find(({ name }) => name === 'value')?.t)

  for (const gather of [...graph.node!]) {
    const [source, index] = gather.input as [string, string]
    const shape = shapes.get(source)
    const place = scalars.get(index)
    const axis = Number(attribute(gather, 'axis') ?? 0)
    if (gather.opType !== 'Gather' || axis !== 1 || shape?.length !== 3 || place === undefined) continue
    const tokens = shape[1]!
    const whole = (name: string) => shapes.get(name)?.length === 3 && shapes.get(name)![1] === tokens
    const chain = tokenwise(graph, gather, whole, shapes, constants)
    if (chain.size === 0) continue
    const at = place < 0 ? place + tokens : place
    const picked = new Map<string, string>()
    const before = graph.node!.length
    const pick = (tensor: string): string => {
      const known = picked.get(tensor)
      if (known) return known
      const node = chain.get(tensor)
      let output: string
      if (node) {
        const input = node.input!.map((name) => (whole(name) ? pick(name) : name))
        output = writer.fresh()
        graph.node!.push({ ...node, name: output, input, output: [output] })
      } else output = writer.slice(tensor, 1, at, at + 1)
      const [batch, , width] = shapes.get(tensor)!
      shapes.set(output, [batch!, 1, width!])
      picked.set(tensor, output)
      return output
    }
    const kept = pick(source)
    gather.input = [kept, writer.integers([0], [])]
    // New nodes must stand before the one that reads them.
    const added = graph.node!.splice(before)
    graph.node!.splice(graph.node!.indexOf(gather), 0, ...added)
  }
}

/** By their outputs, the nodes before `gather` that treat each token by itself and are read by such nodes alone. */
function tokenwise(
  graph: onnx.IGraphProto,
  gather: onnx.INodeProto,
  whole: (name: string) => boolean,
  shapes: ReadonlyMap<string, number[]>,
  constants: ReadonlySet<string>,
): Map<string, onnx.INodeProto> {
  const spread = (name: string) => {
    const dims = shapes.get(name)
    return dims !== undefined && (dims.length < 2 || dims.at(-2) === 1)
  }
  const understood = (node: onnx.INodeProto): boolean => {
    const { opType, input } = node
    const [first, second] = input as [string, string]
    if (unary.has(opType!)) return whole(first)
    if (binary.has(opType!)) return input!.some(whole) && input!.every((name) => whole(name) || spread(name))
    if (!whole(first)) return false
    if (opType === 'MatMul') return constants.has(second) && shapes.get(second)?.length === 2
    if (opType === 'LayerNormalization') return [-1, 2].includes(Number(attribute(node, 'axis') ?? -1))
    return opType === 'ReduceMean' && isLast(attribute(node, 'axes')) && attribute(node, 'keepdims') !== 0
  }
  const readers = new Map<string, onnx.INodeProto[]>()
  for (const node of graph.node!)
    for (const name of node.input!) readers.set(name, [...(readers.get(name) ?? []), node])
  const outputs = new Set(graph.output!.map(({ name }) => name!))
  const inside = new Set<onnx.INodeProto>([gather])
  const chain = new Map<string, onnx.INodeProto>()
  for (const node of graph.node!.toReversed()) {
    const [output, ...more] = node.output as [string, ...string[]]
    if (more.some(Boolean) || outputs.has(output) || !readers.has(output)) continue
    if (!readers.get(output)!.every((reader) => inside.has(reader)) || !understood(node)) continue
    // ReduceMean over the width keeps the tokens, so its output is whole too, if only one wide.
    if (!whole(output)) continue
    inside.add(node)
    chain.set(output, node)
  }
  return chain
}

const isLast = (axes: unknown) =>
  Array.isArray(axes) && axes.length === 1 && (axes[0] === -1 || axes[0] === 2)
