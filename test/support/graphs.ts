/** ONNX files for tests of what is read from them: constants, scalars and weights in other files. */
import { GraphBuilder, type ValueInfo } from '../../workers/onnx/writer.ts'

export interface TestGraph {
  inputs?: ValueInfo[]
  /** Initializers of one number, by name. */
  scalars?: { name: string; type: 'float32' | 'float16' | 'bfloat16' | 'float64'; value: number }[]
  /** Weights in other files: where, and how many bytes. */
  external?: { location: string; length: number; name?: string }[]
  /** Makes one graph another. */
  seed?: number
}

const dataTypes = { float32: 1, float16: 10, float64: 11, bfloat16: 16 }

export function testGraph({ inputs = [], scalars = [], external = [], seed = 0 }: TestGraph): Buffer {
  const g = new GraphBuilder()
  g.node('Identity', [g.floats([seed, seed], [2])])
  for (const { name, type, value } of scalars)
    g.graph.initializer!.push({ name, dataType: dataTypes[type], dims: [], rawData: bytesOf(value, type) })
  for (const [i, { location, length, name = `outside${i}` }] of external.entries())
    g.graph.initializer!.push({
      name,
      dataType: 1,
      dims: [length / 4],
      dataLocation: 1,
      externalData: Object.entries({ location, offset: 0, length }).map(([key, value]) => ({
        key,
        value: String(value),
      })),
    })
  return Buffer.from(g.encode(inputs, []))
}

function bytesOf(value: number, type: keyof typeof dataTypes): Uint8Array {
  if (type === 'float16') return new Uint8Array(Float16Array.of(value).buffer)
  if (type === 'float64') return new Uint8Array(Float64Array.of(value).buffer)
  const single = new Uint8Array(Float32Array.of(value).buffer)
  return type === 'float32' ? single : single.slice(2)
}
