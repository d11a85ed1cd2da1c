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
 * choice is moved up to before whatever treats tokens one by one. `shapes` gains those of the new tensors.
 */
export function poolEarly(writer: GraphWriter, shapes: Map<string, number[]>): void {
  const { graph } = writer
  const producer = new Map(graph.node!.flatMap((node) => node.output!.map((name) => [name, node] as const)))
  const constants = new Set(graph.initializer!.map(({ name }) => name!))
  for (const node of graph.node!) if (node.opType === 'Constant') constants.add(node.output![0]!)
  const scalars = new Map<string, number>()
  const note = (name: string, tensor: onnx.ITensorProto | null | undefined) => {
    const values = tensor && integers(tensor)
    if (values?.length === 1) scalars.set(name, values[0]!)
  }
  for (const tensor of graph.initializer!) note(tensor.name!, tensor)
  for (const node of graph.node!)
    if (node.opType === 'Constant')
      note(node.output![0]!, node.attribute!.find(({ name }) => name === 'value')?.t)

  const original = [...graph.node!]
  for (const gather of original) {
    const [source, index] = gather.input as [string, string]
    const shape = shapes.get(source)
    const place = scalars.get(index)
    const axis = Number(attribute(gather, 'axis') ?? 0)
    if (gather.opType !== 'Gather' || axis !== 1 || shape?.length !== 3 || place === undefined) continue
    const tokens = shape[1]!
    const at = place < 0 ? place + tokens : place
    const before = graph.node!.length
    const picked = new Map<string, string>()
    const pick = (tensor: string): string => {
      const known = picked.get(tensor)
      if (known) return known
      const made = producer.get(tensor)
      const copy = made && copied(made, tensor)
      const result = copy ?? writer.slice(tensor, 1, at, at + 1)
      picked.set(tensor, result)
      shapes.set(result, [shapes.get(tensor)![0]!, 1, shapes.get(tensor)![2]!])
      return result
    }
    /** The same node on the one token, null where it mixes tokens or is not understood. */
    const copied = (node: onnx.INodeProto, tensor: string): string | null => {
      if (node.output!.length !== 1 || shapes.get(tensor)?.length !== 3 || shapes.get(tensor)![1] !== tokens)
        return null
      const whole = (name: string) => shapes.get(name)?.length === 3 && shapes.get(name)![1] === tokens
      const spread = (name: string) => {
        const dims = shapes.get(name)
        return dims !== undefined && (dims.length < 2 || dims.at(-2) === 1)
      }
      const type = node.opType!
      let inputs: string[] | null = null
      if (unary.has(type) && whole(node.input![0]!)) inputs = [pick(node.input![0]!)]
      else if (binary.has(type) && node.input!.every((name) => whole(name) || spread(name)))
        inputs = node.input!.map((name) => (whole(name) ? pick(name) : name))
      else if (
        type === 'MatMul' &&
        whole(node.input![0]!) &&
        constants.has(node.input![1]!) &&
        shapes.get(node.input![1]!)?.length === 2
      )
        inputs = [pick(node.input![0]!), node.input![1]!]
      else if (
        type === 'LayerNormalization' &&
        whole(node.input![0]!) &&
        [-1, 2].includes(Number(attribute(node, 'axis') ?? -1))
      )
        inputs = [pick(node.input![0]!), ...node.input!.slice(1)]
      else if (
        type === 'ReduceMean' &&
        whole(node.input![0]!) &&
        isLast(attribute(node, 'axes')) &&
        attribute(node, 'keepdims') !== 0
      )
        inputs = [pick(node.input![0]!), ...node.input!.slice(1)]
      if (!inputs) return null
      const output = writer.fresh()
      graph.node!.push({ ...node, name: output, input: inputs, output: [output] })
      return output
    }
    const made = producer.get(source)
    const one = made ? copied(made, source) : null
    if (!one) continue
    shapes.set(one, [shape[0]!, 1, shape[2]!])
    gather.input = [one, writer.integers([0], [])]
    // New nodes must stand before the one that reads them.
    const added = graph.node!.splice(before)
    graph.node!.splice(graph.node!.indexOf(gather), 0, ...added)
  }
}

const isLast = (axes: unknown) =>
  Array.isArray(axes) && axes.length === 1 && (axes[0] === -1 || axes[0] === 2)
