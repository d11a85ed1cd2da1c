/** Reverse-mode differentiation of an ONNX graph: nodes are appended that yield a vector-Jacobian product. */
import type { onnx } from 'onnx-proto'
import type * as ort from 'onnxruntime-node'
import { GraphError } from '../errors.ts'
import { type Constant, floats, integers, opset } from '../onnx/file.ts'
import { hoistTokenSlice } from '../onnx/hoist-token-slice.ts'
import { inlineBranches } from '../onnx/inline-branches.ts'
import { probe } from '../onnx/probe.ts'
import { inputsOf, prune } from '../onnx/prune.ts'
import { attribute, GraphWriter } from '../onnx/writer.ts'
import { type GraphContext, NodeContext } from './node-context.ts'
import { ruleFor } from './rules.ts'

/** Below it Slice, Pad and Clip take attributes where the rules write inputs. */
const oldestOpset = 11

/** Element types of half precision: FLOAT16 and BFLOAT16. */
const reduced = new Set([10, 16])

export interface Differentiation {
  /** The graph input or tensor that the gradient is with respect to. Several for a generator. */
  inputs: readonly string[]
  /** The output that is differentiated. */
  output: string
  /** Sample inputs of the graph, by which shapes are found: two images, so that the batch can be told from a 1. */
  feeds: Record<string, ort.Tensor>
  /** Writes the nodes of the gradient with respect to the output, given the writer, and gives that gradient's name. */
  seed(writer: GraphWriter): string
}

export interface Differentiated {
  writer: GraphWriter
  /** Names of the gradients, in the order of `inputs`. */
  gradients: string[]
  /** The gradient of any tensor between, null where none flows. */
  gradient(tensor: string): string | null
  /** The nodes between inputs and output, in the graph's order, the tensors that depend on the inputs, and shapes. */
  nodes: readonly onnx.INodeProto[]
  depending: ReadonlySet<string>
  shapes: ReadonlyMap<string, number[]>
}

/**
 * Appends to the model's graph what yields the gradients. The graph is cut down to what the output needs.
 * @throws GraphError naming the operator when one has no rule
 */
export async function differentiate(
  model: onnx.IModelProto,
  asked: Differentiation,
): Promise<Differentiated> {
  const graph = model.graph!
  const version = opset(model)
  checkRules(model, asked.inputs, asked.output)
  await takeBranches(model, asked)
  let path = nodesBetween(graph.node!, asked.inputs)
  const probed = await probe(
    model,
    asked.feeds,
    new Set(path.nodes.flatMap((node) => [...node.input!, ...node.output!]).filter(Boolean)),
    path.nodes.flatMap((node) => integerInputs(node)).filter((name) => !path.depending.has(name)),
  )
  const writer = new GraphWriter(graph, version, 'limn_grad_')
  hoistTokenSlice(writer, probed.shapes)
  prune(graph, [asked.output])
  path = nodesBetween(graph.node!, asked.inputs)
  const wanted = path.depending
  const contributions = new Map<string, string[]>([[asked.output, [asked.seed(writer)]]])
  const totals = new Map<string, string>()
  /** Sums what has come for a tensor; called when all of its consumers have been walked. */
  const gradient = (tensor: string): string | null => {
    const known = totals.get(tensor)
    if (known) return known
    const parts = contributions.get(tensor)
    if (!parts) return null
    const total = parts.reduce((a, b) => writer.node('Add', [a, b]))
    totals.set(tensor, total)
    return total
  }
  const around: GraphContext = {
    writer,
    probed,
    gradient,
    needsGrad: (tensor) => wanted.has(tensor),
    constant: constants(graph),
    integers(name) {
      const tensor = graph.initializer!.find((candidate) => candidate.name === name)
      return tensor ? integers(tensor) : null
    },
  }
  for (const node of path.nodes.toReversed()) {
    const rule = ruleFor(node.domain, node.opType!)
    if (!rule) throw new GraphError(`No gradient rule for ${node.opType}.`)
    if (rule === 'flat' || !node.output!.some((name) => contributions.has(name))) continue
    const found = rule(new NodeContext(node, around))
    node.input!.forEach((input, i) => {
      const part = found[i]
      if (!part || !wanted.has(input)) return
      const [from, to] = [rawShape(node, i, probed.shapes), probed.shapes.get(input)!]
      const parts = contributions.get(input) ?? []
      parts.push(unbroadcast(writer, part, from, to))
      contributions.set(input, parts)
    })
  }
  const gradients = asked.inputs.map((input) => {
    const found = gradient(input)
    if (!found) throw new GraphError(`No gradient flows from "${asked.output}" to "${input}".`)
    return found
  })
  return { writer, gradients, gradient, nodes: path.nodes, depending: wanted, shapes: probed.shapes }
}

/**
 * Cuts the graph down to what the output needs, and looks whether every operator between has a rule. An If may yet turn
 * out to be a matter of shapes.
 * @throws GraphError
 */
export function checkRules(model: onnx.IModelProto, inputs: readonly string[], output: string): void {
  const graph = model.graph!
  const version = opset(model)
  if (version < oldestOpset)
    throw new GraphError(`The graph is of operator set ${version}; gradients need ${oldestOpset} at least.`)
  prune(graph, [output])
  for (const input of inputs)
    if (!graph.input!.some(({ name }) => name === input))
      throw new GraphError(`The output "${output}" does not depend on "${input}".`)
  const unknown = new Set<string>()
  for (const node of nodesBetween(graph.node!, inputs).nodes) {
    const { opType, domain } = node
    if (opType === 'Cast' && reduced.has(Number(attribute(node, 'to'))))
      throw new GraphError('The graph computes in reduced precision; gradients need the fp32 file.')
    if (opType !== 'If' && ruleFor(domain, opType!) === null)
      unknown.add(domain ? `${domain}.${opType}` : opType!)
  }
  if (unknown.size > 0) throw new GraphError(`No gradient rule for ${[...unknown].sort().join(', ')}.`)
}

/** Inlines each If whose condition is a matter of shapes. */
async function takeBranches(
  model: onnx.IModelProto,
  { inputs, output, feeds }: Differentiation,
): Promise<void> {
  const graph = model.graph!
  const { depending } = nodesBetween(graph.node!, inputs)
  const conditions = graph.node!.flatMap((node) =>
    node.opType === 'If' && !depending.has(node.input![0]!) ? [node.input![0]!] : [],
  )
  if (conditions.length === 0) return
  const { values } = await probe(model, feeds, [], conditions)
  inlineBranches(graph, (node) => {
    const value = values.get(node.input![0]!)
    return value ? value[0] === 1 : null
  })
  prune(graph, [output])
}

/** The nodes, in the graph's order, that depend on the inputs, and all tensors that do. */
function nodesBetween(nodes: onnx.INodeProto[], inputs: readonly string[]) {
  const depending = new Set(inputs)
  const between: onnx.INodeProto[] = []
  for (const node of nodes) {
    if (!inputsOf(node).some((name) => depending.has(name))) continue
    between.push(node)
    // A shape does not move with the values.
    if (ruleFor(node.domain, node.opType!) === 'flat') continue
    for (const name of node.output!) if (name) depending.add(name)
  }
  return { nodes: between.filter((node) => ruleFor(node.domain, node.opType!) !== 'flat'), depending }
}

/** Inputs whose values a rule asks for. */
function integerInputs(node: onnx.INodeProto): string[] {
  const places: Record<string, number[]> = { Slice: [1, 2, 3, 4], Gather: [1], Pad: [1] }
  const taken = places[node.opType!] ?? (node.opType!.startsWith('Reduce') ? [1] : [])
  return taken.flatMap((i) => node.input![i] || [])
}

const broadcasting = new Set('Add Sub Mul Div Pow Min Max Sum Mean Where Expand'.split(' '))

/** The shape that a rule's gradient has before it is summed to that of the input. */
function rawShape(node: onnx.INodeProto, i: number, shapes: Map<string, number[]>): number[] {
  const own = shapes.get(node.input![i]!)!
  const output = shapes.get(node.output![0]!)!
  if (node.opType === 'MatMul') return [...output.slice(0, -2), ...own.slice(-2)]
  return broadcasting.has(node.opType!) || (node.opType === 'Gemm' && i === 2) ? output : own
}

/** Sums over what was broadcast. */
function unbroadcast(writer: GraphWriter, gradient: string, from: number[], to: number[]): string {
  const more = from.length - to.length
  let sum = gradient
  if (more > 0)
    sum = writer.sum(
      sum,
      Array.from({ length: more }, (_, i) => i),
      false,
    )
  const axes = to.flatMap((size, i) => (size === 1 && from[i + more] !== 1 ? [i] : []))
  return axes.length > 0 ? writer.sum(sum, axes, true) : sum
}

/** Constants by name, seen through Identity and through the Cast that unpacks half-precision weights. */
function constants(graph: onnx.IGraphProto): (name: string) => Constant | null {
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  const producers = new Map(graph.node!.map((node) => [node.output![0]!, node]))
  const find = (name: string): Constant | null => {
    const tensor = initializers.get(name)
    if (tensor) return floats(tensor)
    const node = producers.get(name)
    if (!node) return null
    if (node.opType === 'Identity' || (node.opType === 'Cast' && attribute(node, 'to') === 1))
      return find(node.input![0]!)
    const value = node.opType === 'Constant' ? node.attribute!.find(({ name }) => name === 'value')?.t : null
    return value ? floats(value) : null
  }
  return find
}
