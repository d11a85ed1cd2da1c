/** Shapes and small values of a graph's tensors, found by running it: no shape inference of our own can be wrong. */

import * as ort from 'onnxruntime-node'
import { GraphError } from '../errors.ts'
import { opset, writeModel } from './file.ts'
import type { ModelProto } from './proto/schema.ts'
import { GraphWriter, valueInfo } from './writer.ts'

export interface Probed {
  shapes: Map<string, number[]>
  /** Values of the integer tensors that were requested. */
  values: Map<string, number[]>
}

/**
 * Runs the model once on `feeds` with the shape of each of `tensors` and the value of each of `integers` as outputs.
 * The tensors themselves stay inside ONNX Runtime, so that memory is what a forward pass takes.
 */
export async function probe(
  model: ModelProto,
  feeds: Record<string, ort.Tensor>,
  tensors: Iterable<string>,
  integers: Iterable<string>,
): Promise<Probed> {
  const { node, initializer } = model.graph!
  const graph = { ...model.graph!, node: [...node!], initializer: [...initializer!] }
  const writer = new GraphWriter(graph, opset(model), 'limn_probe_')
  const shapeOutputs = new Map(Array.from(new Set(tensors), (tensor) => [tensor, writer.shapeOf(tensor)]))
  const valueOutputs = new Map(
    Array.from(new Set(integers), (tensor) => {
      const wide = writer.node('Cast', [tensor], { to: 7 })
      return [tensor, writer.reshape(wide, [-1])]
    }),
  )
  graph.output = [...shapeOutputs.values(), ...valueOutputs.values()].map((name) =>
    valueInfo({ name, type: 'int64', shape: [`any_${name}`] }),
  )
  const results = await runOnce({ ...model, graph }, feeds)
  const read = (outputs: Map<string, string>) =>
    new Map(
      Array.from(outputs, ([tensor, name]) => [
        tensor,
        Array.from(results[name]!.data as BigInt64Array, Number),
      ]),
    )
  return { shapes: read(shapeOutputs), values: read(valueOutputs) }
}

/** @throws GraphError when ONNX Runtime refuses the model, or cannot run it on these inputs */
async function runOnce(
  model: ModelProto,
  feeds: Record<string, ort.Tensor>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(writeModel(model), {
    graphOptimizationLevel: 'basic',
    // Weights need not be laid out for a second run.
    extra: { session: { disable_prepacking: '1' } },
    logSeverityLevel: 4,
  }).catch((error: Error) => {
    throw new GraphError(`ONNX Runtime refuses the graph: ${error.message}`)
  })
  try {
    return await session.run(feeds, { logSeverityLevel: 4 })
  } catch (error) {
    throw new GraphError(`The graph does not run: ${(error as Error).message}`)
  } finally {
    await session.release()
  }
}
