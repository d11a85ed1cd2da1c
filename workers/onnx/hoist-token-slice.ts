/** A transformer that is pooled by one token (CLIP's class token) needs only that token of its last layer. */

import { attribute } from './attributes.ts'
import { Constants } from './constants.ts'
import type { GraphProto, NodeProto } from './proto/schema.ts'
import type { GraphWriter } from './writer.ts'

/** Operators that treat each token of [n, token, width] by itself. */
const unary = new Set(
  'Identity Neg Abs Exp Log Sqrt Erf Tanh Sigmoid Relu Gelu QuickGelu Cast Dropout Reciprocal'.split(' '),
)
const binary = new Set('Add Sub Mul Div Pow'.split(' '))

type Shapes = Map<string, number[]>

/**
 * Moves the choice of one token up to before the nodes that treat tokens one by one. Nodes that others read too stay as
 * they are: the sum of all layers before stays one stream. `shapes` gains those of the new tensors.
 */
export function hoistTokenSlice(writer: GraphWriter, shapes: Shapes): void {
  const { graph } = writer
  const constants = new Constants(graph)
  for (const gather of [...graph.node!]) {
    const [source, index] = gather.input as [string, string]
    const shape = shapes.get(source)
    const token = constants.index(index)
    const axis = Number(attribute(gather, 'axis') ?? 0)
    if (gather.opType !== 'Gather' || axis !== 1 || shape?.length !== 3 || token === null) continue
    const tokens = shape[1]!
    const hasAllTokens = (name: string) => shapes.get(name)?.length === 3 && shapes.get(name)![1] === tokens
    const chain = tokenwiseNodes(graph, gather, hasAllTokens, shapes, constants)
    if (chain.size === 0) continue
    const position = token < 0 ? token + tokens : token
    const sliced = new Map<string, string>()
    const before = graph.node!.length
    /** The tensor's one token: computed by a copy of its node where that is in the chain, else cut out. */
    const slice = (tensor: string): string => {
      const known = sliced.get(tensor)
      if (known) return known
      const node = chain.get(tensor)
      let output: string
      if (node) {
        const input = node.input!.map((name) => (hasAllTokens(name) ? slice(name) : name))
        output = writer.fresh()
        graph.node!.push({ ...node, name: output, input, output: [output] })
      } else output = writer.slice(tensor, 1, position, position + 1)
      const [batch, , width] = shapes.get(tensor)!
      shapes.set(output, [batch!, 1, width!])
      sliced.set(tensor, output)
      return output
    }
    const one = slice(source)
    gather.input = [one, writer.integers([0], [])]
    // New nodes must stand before the one that reads them.
    const added = graph.node!.splice(before)
    graph.node!.splice(graph.node!.indexOf(gather), 0, ...added)
  }
}

/** By their outputs, the nodes before `gather` that treat each token by itself and are read by such nodes alone. */
function tokenwiseNodes(
  graph: GraphProto,
  gather: NodeProto,
  hasAllTokens: (name: string) => boolean,
  shapes: Shapes,
  constants: Constants,
): Map<string, NodeProto> {
  const sameForAllTokens = (name: string) => {
    const dims = shapes.get(name)
    return dims !== undefined && (dims.length < 2 || dims.at(-2) === 1)
  }
  const isTokenwise = (node: NodeProto): boolean => {
    const { opType, input } = node
    const [first, second] = input as [string, string]
    if (unary.has(opType!)) return hasAllTokens(first)
    if (binary.has(opType!))
      return input!.some(hasAllTokens) && input!.every((name) => hasAllTokens(name) || sameForAllTokens(name))
    if (!hasAllTokens(first)) return false
    if (opType === 'MatMul') return constants.has(second) && shapes.get(second)?.length === 2
    if (opType === 'LayerNormalization') return [-1, 2].includes(Number(attribute(node, 'axis') ?? -1))
    return opType === 'ReduceMean' && isLast(attribute(node, 'axes')) && attribute(node, 'keepdims') !== 0
  }
  const readers = new Map<string, NodeProto[]>()
  for (const node of graph.node!)
    for (const name of node.input!) readers.set(name, [...(readers.get(name) ?? []), node])
  const outputs = new Set(graph.output!.map(({ name }) => name!))
  const inside = new Set<NodeProto>([gather])
  const chain = new Map<string, NodeProto>()
  for (const node of graph.node!.toReversed()) {
    const [output, ...others] = node.output as [string, ...string[]]
    if (others.some(Boolean) || outputs.has(output) || !readers.has(output)) continue
    if (!readers.get(output)!.every((reader) => inside.has(reader)) || !isTokenwise(node)) continue
    // ReduceMean over the width keeps the tokens: its output has them all, if only one wide.
    if (!hasAllTokens(output)) continue
    inside.add(node)
    chain.set(output, node)
  }
  return chain
}

const isLast = (axes: unknown) =>
  Array.isArray(axes) && axes.length === 1 && (axes[0] === -1 || axes[0] === 2)
