/** Shapes and small values of a graph's tensors, found by running it: no shape inference of our own can be wrong. */
import type { onnx } from 'onnx-proto'
import * as ort from 'onnxruntime-node'
import { GraphError } from '../errors.ts'
import { writeModel } from './file.ts'

export interface Probed {
  shapes: Map<string, number[]>
  /** Integer tensors that were asked for. */
  values: Map<string, number[]>
}

/**
 * Runs the model once on `feeds` with the shape of each of `tensors` and the value of each of `integers` as outputs.
 * The tensors themselves stay inside ONNX Runtime, so that memory is what a forward pass takes.
 */
export async function probe(
  model: onnx.IModelProto,
  feeds: Record<string, ort.Tensor>,
  tensors: Iterable<string>,
  integers: Iterable<string>,
): Promise<Probed> {
  const graph = model.graph!
  const shapeOf = new Map<string, string>()
  const node: onnx.INodeProto[] = [...graph.node!]
  const output: onnx.IValueInfoProto[] = []
  const add = (name: string) =>
    output.push({
      name,
      type: { tensorType: { elemType: 7, shape: { dim: [{ dimParam: `any_${name}` }] } } },
    })
  let count = 0
  for (const tensor of tensors) {
    const name = `limn_probe_${count++}`
    shapeOf.set(tensor, name)
    node.push({ opType: 'Shape', input: [tensor], output: [name], name })
    add(name)
  }
  const integerOf = new Map<string, string>()
  for (const tensor of integers) {
    const name = `limn_probe_${count++}`
    integerOf.set(tensor, name)
    const wide = `${name}_wide`
    node.push({
      opType: 'Cast',
      input: [tensor],
      output: [wide],
      name: wide,
      attribute: [{ name: 'to', type: 2, i: 7 }],
    })
    const flat = `${name}_flat`
    node.push({
      opType: 'Constant',
      input: [],
      output: [flat],
      name: flat,
      attribute: [{ name: 'value', type: 4, t: { dataType: 7, dims: [1], int64Data: [-1] } }],
    })
    node.push({ opType: 'Reshape', input: [wide, flat], output: [name], name })
    add(name)
  }
  const bytes = writeModel({ ...model, graph: { ...graph, node, output } })
  let session: ort.InferenceSession
  try {
    session = await ort.InferenceSession.create(bytes, {
      graphOptimizationLevel: 'basic',
      // It runs once: weights need not be laid out for it a second time.
      extra: { session: { disable_prepacking: '1' } },
      logSeverityLevel: 4,
    })
  } catch (error) {
    throw new GraphError(`ONNX Runtime refuses the graph: ${(error as Error).message}`)
  }
  try {
    const results = await session.run(feeds, { logSeverityLevel: 4 })
    const read = (name: string) => Array.from(results[name]!.data as BigInt64Array, Number)
    return {
      shapes: new Map([...shapeOf].map(([tensor, name]) => [tensor, read(name)])),
      values: new Map([...integerOf].map(([tensor, name]) => [tensor, read(name)])),
    }
  } catch (error) {
    throw new GraphError(`The graph does not run: ${(error as Error).message}`)
  } finally {
    await session.release()
  }
}
