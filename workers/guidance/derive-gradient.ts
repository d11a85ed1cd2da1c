/** From an encoder's file to one that also yields the gradient of the guidance loss with respect to its pixels. */
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { checkRules } from '../autodiff/check-rules.ts'
import { type Differentiated, differentiate } from '../autodiff/differentiate.ts'
import { readSources, sourceDigest } from '../autodiff/version.ts'
import { GraphError } from '../errors.ts'
import { readModel } from '../onnx/file.ts'
import { pooledOutput } from '../onnx/pooled-output.ts'
import type { ModelProto, ValueInfoProto } from '../onnx/proto/schema.ts'
import { valueInfo } from '../onnx/writer.ts'
import { type FeatureGrid, findGrid } from './feature-grid.ts'
import { lossGradient } from './loss.ts'

/** The code that decides which nodes a derived file holds, as modules and folders under workers. */
const derivationSources = [
  'autodiff',
  'onnx',
  'guidance/derive-gradient',
  'guidance/feature-grid',
  'guidance/loss',
]

let version: string | undefined

/** Part of a derived file's name: another one whenever that code changes. */
export function derivationVersion(): string {
  version ??= sourceDigest(readSources(path.resolve(import.meta.dirname, '..'), derivationSources))
  return version
}

export interface Derived {
  /** Name of the input that takes the images. */
  pixels: string
  /** Name of the output that is the embedding, not normalised. */
  embedding: string
  /** Name of the output that is the gradient, shaped as the images. */
  gradient: string
  /** The output that tells how much each place of the image raises or lowers the loss, null where places are lost. */
  heat: { output: string; rows: number; columns: number } | null
  /** The graph takes one image at a time. */
  single: boolean
}

/** A derived model and the names of its inputs and outputs. */
export interface Derivation extends Derived {
  model: ModelProto
}

const isImage = ({ type }: ValueInfoProto) => type?.tensorType?.shape?.dim?.length === 4

/** The graph's input for images and its output for embeddings. @throws GraphError */
async function openVision(file: string, options?: { weights: boolean }) {
  const model = await readModel(file, options)
  const graph = model.graph!
  const weights = new Set(graph.initializer!.map(({ name }) => name))
  const inputs = graph.input!.filter(({ name }) => !weights.has(name))
  const pixels = inputs.find(({ name }) => /pixel|image/.test(name!)) ?? inputs.find(isImage)
  if (!pixels) throw new GraphError('The graph has no input for images.')
  if (pixels.type?.tensorType?.elemType !== 1)
    throw new GraphError('The graph takes images of reduced precision; gradients need the fp32 file.')
  const embedding = pooledOutput(
    graph.output!.map(({ name, type }) => ({
      name: name!,
      rank: type?.tensorType?.shape?.dim?.length ?? null,
    })),
    'vision',
  )
  return { model, pixels, embedding }
}

/** Why a file cannot be differentiated, null when nothing is known against it: a look at its operators alone. */
export async function gradientUnsupportedReason(file: string): Promise<string | null> {
  try {
    const { model, pixels, embedding } = await openVision(file, { weights: false })
    checkRules(model, [pixels.name!], embedding)
    return null
  } catch (error) {
    if (error instanceof GraphError) return error.message
    throw error
  }
}

/**
 * The graph of the vision tower with `lossInputs` beside the images and the gradient beside the embedding.
 * @throws GraphError when it cannot be differentiated, saying why
 */
export async function deriveGradient(
  file: string,
  image: { width: number; height: number },
  dimensions: number,
): Promise<Derivation> {
  const { model, pixels, embedding } = await openVision(file)
  const graph = model.graph!
  // Two images, so that the batch differs from dimensions of 1; one where the file is made for one.
  const fixed = Number(pixels.type?.tensorType?.shape?.dim?.[0]?.dimValue ?? 0)
  if (fixed > 1)
    throw new GraphError(
      `The graph takes exactly ${fixed} images at once; gradients need any number, or one.`,
    )
  const rows = fixed === 1 ? 1 : 2
  const shape = [rows, 3, image.height, image.width]
  const feed = new ort.Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b)), shape)
  const derived = await differentiate(model, {
    inputs: [pixels.name!],
    output: embedding,
    feeds: { [pixels.name!]: feed },
    seed: (writer) => lossGradient(writer, embedding, dimensions),
  })
  const gradient = derived.writer.node('Identity', [derived.gradients[0]!], {}, 'limn_gradient')
  graph.output!.push(valueInfo({ name: gradient, shape: ['limn_n', 'limn_c', 'limn_h', 'limn_w'] }))
  const grid = findGrid(derived.nodes, derived.depending, derived.shapes, embedding)
  const heat = grid && writeHeat(derived, grid)
  if (heat) graph.output!.push(valueInfo({ name: heat.output, shape: ['limn_n', heat.rows * heat.columns] }))
  return { model, pixels: pixels.name!, embedding, gradient, heat, single: fixed === 1 }
}

/**
 * The loss that each place adds, to first order, beyond that of the mean place: the sum over channels of
 * (feature - its mean over the places) x gradient. That is HiResCAM (Draelos and Carin 2020; Grad-CAM of Selvaraju et
 * al. 2017 without its averaging of gradients), less the part that all places have in common.
 */
function writeHeat({ writer, gradient, shapes }: Differentiated, grid: FeatureGrid): Derived['heat'] {
  const { tensor, layout, rows, columns, skip } = grid
  const flow = gradient(tensor)
  if (!flow) return null
  const places = (of: string) => (skip > 0 ? writer.slice(of, 1, skip, skip + rows * columns) : of)
  const features = places(tensor)
  const rank = shapes.get(tensor)!.length
  const [along, channels] = layout === 'map' ? [rank === 4 ? [2, 3] : [2], 1] : [[1], 2]
  const apart = writer.sub(features, writer.mean(features, along))
  const sums = writer.sum(writer.mul(apart, places(flow)), [channels], false)
  const output = writer.node('Reshape', [sums, writer.integers([0, rows * columns])], {}, 'limn_heat')
  return { output, rows, columns }
}
