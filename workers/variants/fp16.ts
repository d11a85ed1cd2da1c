/**
 * A float graph to one that computes in half precision, for GPUs. What overflows or loses its small values there (squares
 * and their means, which normalisations are made of) and what has no such kernel stays in float between two casts
 * (Micikevicius et al. 2018).
 */
import type { onnx } from 'onnx-proto'
import { GraphError } from '../errors.ts'
import { attribute } from '../onnx/attributes.ts'
import { floats } from '../onnx/file.ts'

const FLOAT = 1
const HALF = 10
const largest = 65504

/** Kept in float: range first, then operators without a kernel for half precision. */
const inFloat = new Set([
  ...['Pow', 'ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'ReduceL2', 'ReduceProd', 'CumSum'],
  ...['Range', 'Resize', 'Upsample', 'OneHot', 'TopK', 'Einsum'],
])
/** On the way between those: a mean of squares that half precision cannot hold is a root that it can. */
const goesOnInFloat = new Set(['Add', 'Sqrt', 'Reciprocal', 'Max', 'Clip', 'Identity', 'Unsqueeze'])
/** Their outputs are no floats, whatever goes in. */
const countsOrTells = new Set([
  ...['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero', 'Equal', 'Less', 'Greater', 'LessOrEqual'],
  ...['GreaterOrEqual', 'Not', 'And', 'Or', 'Xor', 'IsNaN', 'IsInf'],
])
const products = new Set(['MatMul', 'Gemm', 'Conv', 'Attention', 'MultiHeadAttention', 'FusedMatMul'])

/** Rewrites the model's graph; inputs and outputs stay as they are. Gives the number of its products. @throws GraphError for graphs within the graph */
export function toFp16(model: onnx.IModelProto): number {
  const graph = model.graph!
  const constants = new Map(
    graph.initializer!.flatMap((tensor) => (tensor.dataType === FLOAT ? [[tensor.name!, tensor]] : [])),
  )
  const nodes: onnx.INodeProto[] = []
  let count = 0
  const fresh = () => `limn_fp16_${count++}`
  /** What was of type float, by its name in the graph: its names now, in half precision and in float. */
  const now = { [HALF]: new Map<string, string>(), [FLOAT]: new Map<string, string>() }
  const isFloat = (name: string) => constants.has(name) || now[HALF].has(name) || now[FLOAT].has(name)
  const twin = (name: string) => `limn_float_${name}`
  const as = (type: typeof HALF | typeof FLOAT) => (name: string) => {
    if (!isFloat(name)) return name
    if (!now[type].has(name)) {
      const other = now[type === HALF ? FLOAT : HALF].get(name)
      const made = other ? fresh() : type === HALF ? name : twin(name)
      if (other) nodes.push(castNode(other, type, made))
      now[type].set(name, made)
    }
    return now[type].get(name)!
  }
  const own = new Set(graph.initializer!.map(({ name }) => name!))
  for (const { name, type } of graph.input!)
    if (!own.has(name!) && type?.tensorType?.elemType === FLOAT) now[FLOAT].set(name!, name!)
  const results = new Set(graph.output!.map(({ name }) => name!))

  let found = 0
  for (const node of graph.node!) {
    if (node.attribute?.some(({ g, graphs }) => g || graphs?.length))
      throw new GraphError(`The graph holds graphs of its own (${node.opType}), which are not rewritten.`)
    if (products.has(node.opType!)) found++
    const [input, output] = [node.input!, node.output!]
    const float = node.opType === 'Cast' ? attribute(node, 'to') === FLOAT : givesFloat(node, isFloat)
    const inFloatNow = (name: string) => now[FLOAT].has(name) && !now[HALF].has(name) && !results.has(name)
    const goesOn =
      goesOnInFloat.has(node.opType!) &&
      input.some(inFloatNow) &&
      input.every((name) => !isFloat(name) || constants.has(name) || inFloatNow(name))
    const wide = goesOn || (inFloat.has(node.opType!) && input.some(isFloat))
    const made = output.map((name, i) => {
      // Second outputs are places (TopK) or masks (Dropout) otherwise.
      if (!name || !float || (i > 0 && node.opType !== 'Split')) return name
      const to = wide ? twin(name) : results.has(name) ? fresh() : name
      now[wide ? FLOAT : HALF].set(name, to)
      return to
    })
    const attributes = node.attribute ?? []
    nodes.push({
      ...node,
      input: input.map(as(wide ? FLOAT : HALF)),
      output: made,
      attribute: wide ? attributes : halved(node, attributes),
    })
  }
  for (const name of results)
    if (isFloat(name)) nodes.push(castNode(now[HALF].get(name) ?? now[FLOAT].get(name)!, FLOAT, name))

  graph.node = nodes
  graph.valueInfo = []
  graph.initializer = graph.initializer!.flatMap((tensor) => {
    const name = tensor.name!
    if (!constants.has(name)) return [tensor]
    return [
      ...(now[HALF].has(name) ? [halfTensor(tensor)] : []),
      ...(now[FLOAT].has(name) ? [{ ...tensor, name: twin(name) }] : []),
    ]
  })
  return found
}

const castNode = (input: string, to: number, output: string): onnx.INodeProto => ({
  ...{ opType: 'Cast', input: [input], output: [output] },
  attribute: [{ name: 'to', type: 2, i: to }],
})

/** Whether a node's first output was of type float. */
function givesFloat(node: onnx.INodeProto, isFloat: (name: string) => boolean): boolean {
  const { opType } = node
  if (countsOrTells.has(opType!)) return false
  const value = node.attribute?.find(({ name }) => name === 'value')?.t
  if (opType === 'Constant')
    return value
      ? value.dataType === FLOAT
      : node.attribute!.some(({ name }) => name === 'value_float' || name === 'value_floats')
  if (opType === 'ConstantOfShape') return !value || value.dataType === FLOAT
  const telling = { Where: 1, CastLike: 1, OneHot: 2 }[opType!] ?? 0
  return isFloat(node.input![telling] ?? '')
}

/** The attributes, where one says what type comes out. */
function halved(node: onnx.INodeProto, attributes: onnx.IAttributeProto[]): onnx.IAttributeProto[] {
  const tensor = (dims: number[], values: ArrayLike<number>) => ({
    ...{ name: 'value', type: 4 },
    t: { dims, dataType: HALF, rawData: halves(Float32Array.from(values)) },
  })
  if (node.opType === 'ConstantOfShape' && attributes.length === 0) return [tensor([1], [0])]
  return attributes.map((of) => {
    if (node.opType === 'Cast' && of.name === 'to' && Number(of.i) === FLOAT) return { ...of, i: HALF }
    if (of.t?.dataType === FLOAT) return { ...of, t: halfTensor(of.t) }
    if (node.opType !== 'Constant') return of
    if (of.name === 'value_float') return tensor([], [of.f!])
    return of.name === 'value_floats' ? tensor([of.floats!.length], of.floats!) : of
  })
}

function halfTensor(tensor: onnx.ITensorProto): onnx.ITensorProto {
  const { dims, data } = floats(tensor)!
  return { name: tensor.name, dims, dataType: HALF, rawData: halves(data) }
}

/** Large numbers stand for infinity in masks: they become the largest there is, so that no infinity meets a zero. */
function halves(values: Float32Array): Uint8Array {
  const half = Float16Array.from(values, (v) => Math.min(largest, Math.max(-largest, v)))
  return new Uint8Array(half.buffer)
}
