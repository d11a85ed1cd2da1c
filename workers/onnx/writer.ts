/** Adding nodes and constants to a graph, and making a graph from nothing. */

import { type Attributes, encodeAttributes } from './attributes.ts'
import { writeModel } from './file.ts'
import { OpBuilder } from './op-builder.ts'
import { DataType, type GraphProto, type ModelProto, type ValueInfoProto } from './proto/schema.ts'

/** A graph's input or output; a dimension given as a string is dynamic. */
export interface ValueInfo {
  name: string
  type?: 'float32' | 'float16' | 'int64'
  shape: readonly (number | string)[]
}

/** Adds nodes and constants to a graph under names that are new to it. */
export class GraphWriter extends OpBuilder {
  readonly graph: GraphProto
  readonly opset: number
  readonly #prefix: string
  readonly #constants = new Map<string, string>()
  #count = 0

  constructor(graph: GraphProto, opset: number, prefix: string) {
    super()
    this.graph = graph
    this.opset = opset
    this.#prefix = prefix
  }

  /** A name that no other tensor has. */
  fresh(): string {
    return `${this.#prefix}${this.#count++}`
  }

  /** Adds a node of one output and gives the output's name. `opType` is `domain:Name` outside the default domain. */
  node(opType: string, inputs: string[], attributes: Attributes = {}, output = this.fresh()): string {
    this.nodes(opType, inputs, [output], attributes)
    return output
  }

  /** Adds a node of several outputs. */
  nodes(opType: string, inputs: string[], outputs: string[], attributes: Attributes = {}): string[] {
    const [name, domain = ''] = opType.split(':').reverse() as [string, string?]
    this.graph.node!.push({
      opType: name,
      domain,
      input: inputs,
      output: outputs,
      name: outputs[0],
      attribute: encodeAttributes(attributes),
    })
    return outputs
  }

  /** A float constant; scalars are shared. */
  floats(data: ArrayLike<number>, dims: readonly number[] = []): string {
    const key = dims.length === 0 ? `f${data[0]}` : null
    const known = key && this.#constants.get(key)
    if (known) return known
    const name = this.constant(DataType.FLOAT, dims, Float32Array.from(data))
    if (key) this.#constants.set(key, name)
    return name
  }

  /** An int64 constant; equal ones are shared. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const key = `i${dims}:${values}`
    const known = this.#constants.get(key)
    if (known) return known
    const name = this.constant(DataType.INT64, dims, BigInt64Array.from(values, BigInt))
    this.#constants.set(key, name)
    return name
  }

  /** A constant of any type, whose bytes become the graph's. */
  constant(dataType: number, dims: readonly number[], values: ArrayBufferView): string {
    const name = this.fresh()
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    this.graph.initializer!.push({ name, dataType, dims: [...dims], rawData })
    return name
  }
}

const elemTypes = { float32: 1, float16: 10, int64: 7 }

export const valueInfo = ({ name, type = 'float32', shape }: ValueInfo): ValueInfoProto => ({
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

  model(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): ModelProto {
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
