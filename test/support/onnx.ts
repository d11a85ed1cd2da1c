/** Writing small and large ONNX graphs by hand, for tests and benchmarks. */
import onnxProto, { type onnx } from 'onnx-proto'

type Attributes = Record<string, number | number[]>

export class GraphBuilder {
  readonly #nodes: onnx.INodeProto[] = []
  readonly #initializers: onnx.ITensorProto[] = []
  #names = 0

  /** Adds a node and returns the name of its one output. */
  node(opType: string, input: string[], attributes: Attributes = {}, output = `t${this.#names++}`): string {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value))
    this.#nodes.push({ opType, input, output: [output], attribute, name: output })
    return output
  }

  floats(data: Float32Array, dims: number[]): string {
    return this.#tensor(1, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }

  integers(values: number[], dims = [values.length]): string {
    return this.#tensor(7, dims, new Uint8Array(BigInt64Array.from(values, BigInt).buffer))
  }

  #tensor(dataType: number, dims: number[], rawData: Uint8Array): string {
    const name = `w${this.#names++}`
    this.#initializers.push({ name, dataType, dims, rawData })
    return name
  }

  /** The model file. A dimension given as a string is dynamic. */
  encode(
    inputs: { name: string; type: 'float32' | 'int64'; shape: (number | string)[] }[],
    outputs: { name: string; type?: 'float32' | 'float16'; shape: (number | string)[] }[],
  ): Uint8Array {
    const value = (name: string, elemType: number, shape: (number | string)[]) => ({
      name,
      type: {
        tensorType: {
          elemType,
          shape: {
            dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })),
          },
        },
      },
    })
    return onnxProto.onnx.ModelProto.encode({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      producerName: 'limn',
      graph: {
        name: 'graph',
        node: this.#nodes,
        initializer: this.#initializers,
        input: inputs.map(({ name, type, shape }) => value(name, type === 'int64' ? 7 : 1, shape)),
        output: outputs.map(({ name, type, shape }) => value(name, type === 'float16' ? 10 : 1, shape)),
      },
    }).finish()
  }
}

function attributeOf(name: string, value: number | number[]): onnx.IAttributeProto {
  if (Array.isArray(value)) return { name, type: 7, ints: value }
  return Number.isInteger(value) ? { name, type: 2, i: value } : { name, type: 1, f: value }
}
