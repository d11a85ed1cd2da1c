/** From an encoder's file to one that also yields the gradient of the guidance loss with respect to its pixels. */
import type { onnx } from 'onnx-proto'
import * as ort from 'onnxruntime-node'
import { pooledOutput } from '../encode/outputs.ts'
import { GraphError } from '../onnx/errors.ts'
import { readModel } from '../onnx/file.ts'
import { port } from '../onnx/writer.ts'
import { differentiate } from './backward.ts'
import { lossGradient } from './loss.ts'

/** Part of a derived file's name: raised when the rules change what they write. */
export const derivationVersion = 1

export interface Derived {
  model: onnx.IModelProto
  /** Name of the input that takes the pictures. */
  pixels: string
  /** Name of the output that is the embedding, not normalised. */
  embedding: string
  /** Name of the output that is the gradient, shaped as the pictures. */
  gradient: string
}

const isPicture = ({ type }: onnx.IValueInfoProto) => type?.tensorType?.shape?.dim?.length === 4

/**
 * The graph of the vision side with `lossInputs` beside the pictures and the gradient beside the embedding.
 * @throws GraphError when it cannot be differentiated, saying why
 */
export async function deriveGradient(
  file: string,
  picture: { width: number; height: number },
  dimensions: number,
): Promise<Derived> {
  const model = await readModel(file)
  const graph = model.graph!
  const weights = new Set(graph.initializer!.map(({ name }) => name))
  const inputs = graph.input!.filter(({ name }) => !weights.has(name))
  const pixels = inputs.find(({ name }) => /pixel|image/.test(name!)) ?? inputs.find(isPicture)
  if (!pixels) throw new GraphError('The graph has no input for pictures.')
  if (pixels.type?.tensorType?.elemType !== 1)
    throw new GraphError('The graph takes pictures of reduced precision; gradients need the fp32 file.')
  const embedding = pooledOutput(
    graph.output!.map(({ name, type }) => ({
      name: name!,
      rank: type?.tensorType?.shape?.dim?.length ?? null,
    })),
    'vision',
  )
  // Two pictures, so that the batch is told from what is 1; one where the file is made for one.
  const fixed = Number(pixels.type.tensorType.shape?.dim?.[0]?.dimValue ?? 0)
  const rows = fixed > 0 ? fixed : 2
  const shape = [rows, 3, picture.height, picture.width]
  const feed = new ort.Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b)), shape)
  const derived = await differentiate(model, {
    inputs: [pixels.name!],
    output: embedding,
    feeds: { [pixels.name!]: feed },
    seed: (writer) => lossGradient(writer, embedding, dimensions),
  })
  const gradient = derived.writer.node('Identity', [derived.gradients[0]!], {}, 'limn_gradient')
  graph.output!.push(port({ name: gradient, shape: ['limn_n', 'limn_c', 'limn_h', 'limn_w'] }))
  return { model, pixels: pixels.name!, embedding, gradient }
}
