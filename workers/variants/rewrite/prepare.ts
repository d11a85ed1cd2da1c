/** A tower's graph in the form that gains most on a provider. */

import * as ort from 'onnxruntime-node'
import { GraphError } from '../../errors.ts'
import { minOpset, opset, readModel } from '../../onnx/file.ts'
import { hoistTokenSlice } from '../../onnx/hoist-token-slice.ts'
import { pooledOutput } from '../../onnx/pooled-output.ts'
import { probe } from '../../onnx/probe.ts'
import type { ModelProto } from '../../onnx/proto/schema.ts'
import { prune } from '../../onnx/prune.ts'
import { GraphWriter } from '../../onnx/writer.ts'
import type { ModelSpec, Tower } from '../../registry/spec.ts'
import type { Provider } from '../../runtime/provider.ts'
import { patchesAsProducts } from './patches.ts'

/** A tower's graph alone, also from a file that holds both towers. @throws GraphError */
export async function prepare(
  { files, image }: ModelSpec,
  tower: Tower,
  provider: Provider,
): Promise<ModelProto> {
  const model = await readModel(files.kind === 'combined' ? files.model : files[tower])
  const graph = model.graph!
  const version = opset(model)
  if (version < minOpset)
    throw new GraphError(`The graph is of operator set ${version}; variants need ${minOpset} at least.`)
  const outputs = graph.output!.map(({ name, type }) => ({
    name: name!,
    rank: type?.tensorType?.shape?.dim?.length ?? null,
  }))
  const pooled = pooledOutput(outputs, tower)
  prune(graph, [pooled])
  if (tower === 'text') return model
  const shapes = await shapesOf(model, [2, 3, image.height, image.width])
  const writer = new GraphWriter(graph, version, 'limn_variant_')
  // A GPU has kernels for the convolution as it is.
  if (provider === 'cpu') patchesAsProducts(writer, shapes)
  hoistTokenSlice(writer, shapes)
  prune(graph, [pooled])
  return model
}

/** Shapes of all tensors; none where the graph does not run on images of this size: then it stays as it is. */
async function shapesOf(model: ModelProto, images: number[]): Promise<Map<string, number[]>> {
  const graph = model.graph!
  const initializers = new Set(graph.initializer!.map(({ name }) => name!))
  const pixels = graph.input!.find(({ name }) => !initializers.has(name!))!.name!
  const feed = new ort.Tensor('float32', new Float32Array(images.reduce((a, b) => a * b)), images)
  const tensors = graph.node!.flatMap(({ output }) => output!).filter(Boolean)
  try {
    const { shapes } = await probe(model, { [pixels]: feed }, [pixels, ...tensors], [])
    for (const { name, dims } of graph.initializer!) shapes.set(name!, (dims ?? []).map(Number))
    return shapes
  } catch (error) {
    if (error instanceof GraphError) return new Map()
    throw error
  }
}
