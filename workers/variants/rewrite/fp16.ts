/**
 * A float graph to one that computes in half precision, for GPUs. Operators stay in float between two casts where half
 * precision overflows or loses small values (squares and their means, in normalisations) or has no kernel
 * (Micikevicius et al. 2018).
 */

import { GraphError } from '../../errors.ts'
import { attribute } from '../../onnx/attributes.ts'
import { floats } from '../../onnx/file.ts'
import type { AttributeProto, ModelProto, NodeProto, TensorProto } from '../../onnx/proto/schema.ts'

const FLOAT = 1
const HALF = 10
const maxHalf = 65504

/** Operators that stay in float: for their range first, then those without a kernel for half precision. */
const floatOperators = new Set([
  ...['Pow', 'ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'ReduceL2', 'ReduceProd', 'CumSum'],
  ...['Range', 'Resize', 'Upsample', 'OneHot', 'TopK', 'Einsum'],
])
/** Operators that stay in float after those: half precision cannot hold a mean of squares, but its root. */
const floatFollowers = new Set(['Add', 'Sqrt', 'Reciprocal', 'Max', 'Clip', 'Identity', 'Unsqueeze'])
/** Operators whose outputs are never floats. */
const nonFloatOutputs = new Set([
  ...['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero', 'Equal', 'Less', 'Greater', 'LessOrEqual'],
  ...['GreaterOrEqual', 'Not', 'And', 'Or', 'Xor', 'IsNaN', 'IsInf'],
])
const products = new Set(['MatMul', 'Gemm', 'Conv', 'Attention', 'MultiHeadAttention', 'FusedMatMul'])

/**
 * Rewrites the model's graph; inputs and outputs stay as they are. Gives the number of its products.
 * @throws GraphError for graphs within the graph
 */
export function toFp16(model: ModelProto): number {
  const graph = model.graph!
  const constants = new Map(
    graph.initializer!.flatMap((tensor) => (tensor.dataType === FLOAT ? [[tensor.name!, tensor]] : [])),
  )
  const nodes: NodeProto[] = []
  let count = 0
  const fresh = () => `limn_fp16_${count++}`
  /** Names of each float tensor in the new graph, in half precision and in float, by its name in the old one. */
  const renamed = { [HALF]: new Map<string, string>(), [FLOAT]: new Map<string, string>() }
  const isFloat = (name: string) => constants.has(name) || renamed[HALF].has(name) || renamed[FLOAT].has(name)
  const twin = (name: string) => `limn_float_${name}`
  const inType = (type: typeof HALF | typeof FLOAT) => (name: string) => {
    if (!isFloat(name)) return name
    if (!renamed[type].has(name)) {
      const other = renamed[type === HALF ? FLOAT : HALF].get(name)
      const result = other ? fresh() : type === HALF ? name : twin(name)
      if (other) nodes.push(castNode(other, type, result))
      renamed[type].set(name, result)
    }
    return renamed[type].get(name)!
  }
  const initializers = new Set(graph.initializer!.map(({ name }) => name!))
  for (const { name, type } of graph.input!)
    if (!initializers.has(name!) && type?.tensorType?.elemType === FLOAT) renamed[FLOAT].set(name!, name!)
  const results = new Set(graph.output!.map(({ name }) => name!))

  let productCount = 0
  for (const node of graph.node!) {
    if (node.attribute?.some(({ g, graphs }) => g || graphs?.length))
      throw new GraphError(`The graph holds graphs of its own (${node.opType}), which are not rewritten.`)
    if (products.has(node.opType!)) productCount++
    const [input, output] = [node.input!, node.output!]
    const float = node.opType === 'Cast' ? attribute(node, 'to') === FLOAT : givesFloat(node, isFloat)
    const inFloatNow = (name: string) =>
      renamed[FLOAT].has(name) && !renamed[HALF].has(name) && !results.has(name)
    const follows =
      floatFollowers.has(node.opType!) &&
      input.some(inFloatNow) &&
      input.every((name) => !isFloat(name) || constants.has(name) || inFloatNow(name))
    const wide = follows || (floatOperators.has(node.opType!) && input.some(isFloat))
    const outputs = output.map((name, i) => {
      // Second outputs are places (TopK) or masks (Dropout) otherwise.
      if (!name || !float || (i > 0 && node.opType !== 'Split')) return name
      const to = wide ? twin(name) : results.has(name) ? fresh() : name
      renamed[wide ? FLOAT : HALF].set(name, to)
      return to
    })
    const attributes = node.attribute ?? []
    nodes.push({
      ...node,
      input: input.map(inType(wide ? FLOAT : HALF)),
      output: outputs,
      attribute: wide ? attributes : halfAttributes(node, attributes),
    })
  }
  for (const name of results)
    if (isFloat(name)) nodes.push(castNode(renamed[HALF].get(name) ?? renamed[FLOAT].get(name)!, FLOAT, name))

  graph.node = nodes
  graph.valueInfo = []
  graph.initializer = graph.initializer!.flatMap((tensor) => {
    const name = tensor.name!
    if (!constants.has(name)) return [tensor]
    return [
      ...(renamed[HALF].has(name) ? [halfTensor(tensor)] : []),
      ...(renamed[FLOAT].has(name) ? [{ ...tensor, name: twin(name) }] : []),
    ]
  })
  return productCount
}

const castNode = (input: string, to: number, output: string): NodeProto => ({
  ...{ opType: 'Cast', input: [input], output: [output] },
  attribute: [{ name: 'to', type: 2, i: to }],
})

/** Whether a node's first output was of type float. */
function givesFloat(node: NodeProto, isFloat: (name: string) => boolean): boolean {
  const { opType } = node
  if (nonFloatOutputs.has(opType!)) return false
  const value = node.attribute?.find(({ name }) => name === 'value')?.t
  if (opType === 'Constant')
    return value
      ? value.dataType === FLOAT
      : node.attribute!.some(({ name }) => name === 'value_float' || name === 'value_floats')
  if (opType === 'ConstantOfShape') return !value || value.dataType === FLOAT
  /** The input that has the output's type. */
  const typed = { Where: 1, CastLike: 1, OneHot: 2 }[opType!] ?? 0
  return isFloat(node.input![typed] ?? '')
}

/** The attributes, with half precision for the type or the values of the output. */
function halfAttributes(node: NodeProto, attributes: AttributeProto[]): AttributeProto[] {
  const tensor = (dims: number[], values: ArrayLike<number>) => ({
    ...{ name: 'value', type: 4 },
    t: { dims, dataType: HALF, rawData: halves(Float32Array.from(values)) },
  })
  if (node.opType === 'ConstantOfShape' && attributes.length === 0) return [tensor([1], [0])]
  return attributes.map((entry) => {
    const { name, i, t, f, floats } = entry
    if (node.opType === 'Cast' && name === 'to' && Number(i) === FLOAT) return { ...entry, i: HALF }
    if (t?.dataType === FLOAT) return { ...entry, t: halfTensor(t) }
    if (node.opType !== 'Constant') return entry
    if (name === 'value_float') return tensor([], [f ?? 0])
    return name === 'value_floats' ? tensor([floats!.length], floats!) : entry
  })
}

function halfTensor(tensor: TensorProto): TensorProto {
  const { dims, data } = floats(tensor)!
  return { name: tensor.name, dims, dataType: HALF, rawData: halves(data) }
}

/** Clamped: large numbers stand for infinity in masks, and no infinity may meet a zero. */
function halves(values: Float32Array): Uint8Array {
  const half = Float16Array.from(values, (v) => Math.min(maxHalf, Math.max(-maxHalf, v)))
  return new Uint8Array(half.buffer)
}
