import onnxProto, { type onnx } from 'onnx-proto'
import { writeModel } from './file.ts'

/** A graph's input or output; a dimension given as a string is dynamic. */
export interface ValueInfo {
  name: string
  type?: 'float32' | 'float16' | 'int64'
  shape: readonly (number | string)[]
}

export type AttributeValue = number | string | readonly number[] | { floats: readonly number[] }
export type Attributes = Record<string, AttributeValue | undefined>

/** Adds nodes and constants to a graph under names that are new to it. */
export class GraphWriter {
  readonly graph: onnx.IGraphProto
  readonly opset: number
  readonly #prefix: string
  readonly #constants = new Map<string, string>()
  #count = 0

  constructor(graph: onnx.IGraphProto, opset: number, prefix: string) {
    this.graph = graph
    this.opset = opset
    this.#prefix = prefix
  }

  fresh(): string {
    return `${this.#prefix}${this.#count++}`
  }

  /** Adds a node of one output and gives the output's name. `opType` is `domain:Name` outside the default domain. */
  node(opType: string, input: string[], attributes: Attributes = {}, output = this.fresh()): string {
    this.nodes(opType, input, [output], attributes)
    return output
  }

  /** Adds a node of several outputs. */
  nodes(opType: string, input: string[], output: string[], attributes: Attributes = {}): string[] {
    const [name, domain = ''] = opType.split(':').reverse() as [string, string?]
    this.graph.node!.push({
      opType: name,
      domain,
      input,
      output,
      name: output[0],
      attribute: attributesOf(attributes),
    })
    return output
  }

  /** A float constant; scalars are shared. */
  floats(data: ArrayLike<number>, dims: readonly number[] = []): string {
    const key = dims.length === 0 ? `f${data[0]}` : null
    const known = key && this.#constants.get(key)
    if (known) return known
    const name = this.fresh()
    const values = Float32Array.from(data)
    this.graph.initializer!.push({
      name,
      dataType: 1,
      dims: [...dims],
      rawData: new Uint8Array(values.buffer),
    })
    if (key) this.#constants.set(key, name)
    return name
  }

  scalar(value: number): string {
    return this.floats([value])
  }

  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `i${dims}:${values}`
    const known = this.#constants.get(key)
    if (known) return known
    const name = this.fresh()
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    this.graph.initializer!.push({ name, dataType: 7, dims: [...dims], rawData })
    this.#constants.set(key, name)
    return name
  }

  // What follows is written one way before, another way after a certain operator set.

  sum(x: string, axes: readonly number[], keepdims: boolean): string {
    return this.opset >= 13
      ? this.node('ReduceSum', [x, this.integers(axes)], { keepdims: +keepdims })
      : this.node('ReduceSum', [x], { axes, keepdims: +keepdims })
  }

  mean(x: string, axes: readonly number[], keepdims: boolean): string {
    return this.opset >= 18
      ? this.node('ReduceMean', [x, this.integers(axes)], { keepdims: +keepdims })
      : this.node('ReduceMean', [x], { axes, keepdims: +keepdims })
  }

  unsqueeze(x: string, axes: readonly number[]): string {
    return this.opset >= 13
      ? this.node('Unsqueeze', [x, this.integers(axes)])
      : this.node('Unsqueeze', [x], { axes })
  }

  slice(x: string, axis: number, start: number, end: number): string {
    return this.node('Slice', [x, this.integers([start]), this.integers([end]), this.integers([axis])])
  }

  shapeOf(x: string): string {
    return this.node('Shape', [x])
  }
}

const elemTypes = { float32: 1, float16: 10, int64: 7 }

export const valueInfo = ({ name, type = 'float32', shape }: ValueInfo): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: elemTypes[type],
      shape: { dim: shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
    },
  },
})

/** A writer of a graph that is made from nothing. */
export class GraphBuilder extends GraphWriter {
  constructor(opset = 17) {
    super({ name: 'graph', node: [], initializer: [], input: [], output: [] }, opset, 't')
  }

  model(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): onnx.IModelProto {
    this.graph.input = inputs.map(valueInfo)
    this.graph.output = outputs.map(valueInfo)
    return {
      irVersion: 8,
      opsetImport: [
        { domain: '', version: this.opset },
        { domain: 'com.microsoft', version: 1 },
      ],
      producerName: 'limn',
      graph: this.graph,
    }
  }

  /** The model file. */
  encode(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Uint8Array {
    return writeModel(this.model(inputs, outputs))
  }
}

export function attributesOf(attributes: Attributes): onnx.IAttributeProto[] {
  const { AttributeType } = onnxProto.onnx.AttributeProto
  return Object.entries(attributes).flatMap(([name, value]): onnx.IAttributeProto[] => {
    if (value === undefined) return []
    if (typeof value === 'string')
      return [{ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }]
    if (typeof value === 'object')
      return 'floats' in value
        ? [{ name, type: AttributeType.FLOATS, floats: [...value.floats] }]
        : [{ name, type: AttributeType.INTS, ints: [...value] }]
    // A number is an integer unless it cannot be one; `alpha: 1` of a float attribute must be given as a float.
    return floatAttributes.has(name) || !Number.isInteger(value)
      ? [{ name, type: AttributeType.FLOAT, f: value }]
      : [{ name, type: AttributeType.INT, i: value }]
  })
}

/** Attributes that are float even when their value is whole. */
const floatAttributes = new Set(['alpha', 'beta', 'epsilon', 'gamma', 'lambd', 'bias', 'scale'])

/** A node's attribute; strings, numbers and lists as JavaScript has them. */
export function attribute(node: onnx.INodeProto, name: string): number | string | number[] | undefined {
  const found = node.attribute?.find((candidate) => candidate.name === name)
  if (!found) return undefined
  const { AttributeType } = onnxProto.onnx.AttributeProto
  switch (found.type) {
    case AttributeType.FLOAT:
      return found.f!
    case AttributeType.INT:
      return Number(found.i)
    case AttributeType.STRING:
      return new TextDecoder().decode(found.s!)
    case AttributeType.INTS:
      return found.ints!.map(Number)
    case AttributeType.FLOATS:
      return [...found.floats!]
    default:
      return undefined
  }
}
