/** Model folders made for one test: a linear encoder of 8 x 8 images and a sum of word vectors. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GraphBuilder, type ValueInfo } from '../../workers/onnx/writer.ts'
import { uniform } from '../../workers/random.ts'

const size = 8
export const tinyDimensions = 6
/** Ids that the bundled tokenizer gives. */
const vocabulary = 42_000

export interface TinyModel {
  /** One graph for both towers. */
  combined?: boolean
  /** Half-precision outputs. */
  half?: boolean
  /** Running it on a white image fails inside ONNX Runtime, whatever else is in the batch. */
  poisonedByWhite?: boolean
  /** What config.json says; the graphs give `tinyDimensions`. */
  saysDimensions?: number
  /** In the place of the bundled model's tokenizer.json. */
  tokenizer?: object
}

export function writeTinyModel(modelsRoot: string, name: string, model: TinyModel = {}): void {
  const folder = path.join(modelsRoot, name)
  mkdirSync(path.join(folder, 'onnx'), { recursive: true })
  const bundled = path.resolve('workers/models/limn-icons')
  const write = (file: string, content: object) =>
    writeFileSync(path.join(folder, file), JSON.stringify(content))
  const shared = ['tokenizer.json', 'tokenizer_config.json']
  for (const file of model.tokenizer ? shared.slice(1) : shared)
    symlinkSync(path.join(bundled, file), path.join(folder, file))
  if (model.tokenizer) write('tokenizer.json', model.tokenizer)
  write('config.json', {
    model_type: 'clip',
    projection_dim: model.saysDimensions ?? tinyDimensions,
    logit_scale_init_value: 4.6,
    text_config: { max_position_embeddings: 16, pad_token_id: 0 },
    vision_config: { image_size: size, patch_size: size },
  })
  write('preprocessor_config.json', {
    do_center_crop: false,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    image_processor_type: 'CLIPImageProcessor',
    resample: 3,
    rescale_factor: 1 / 255,
    size: { height: size, width: size },
  })
  const graph = (file: string, ...towers: ('vision' | 'text')[]) =>
    writeFileSync(path.join(folder, 'onnx', file), encoderGraph(model, towers))
  if (model.combined) graph('model.onnx', 'vision', 'text')
  else {
    graph('vision_model.onnx', 'vision')
    graph('text_model.onnx', 'text')
  }
}

function encoderGraph({ half, poisonedByWhite }: TinyModel, towers: ('vision' | 'text')[]): Uint8Array {
  const g = new GraphBuilder()
  const output = (value: string, name: string) =>
    half ? g.node('Cast', [value], { to: 10 }, name) : g.node('Identity', [value], {}, name)
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const declare = (name: string) =>
    outputs.push({ name, type: half ? 'float16' : 'float32', shape: ['batch', tinyDimensions] })
  if (towers.includes('vision')) {
    const flat = g.node('Reshape', ['pixel_values', g.integers([0, -1])])
    let embedded = g.node('MatMul', [
      flat,
      g.floats(random(size * size * 3 * tinyDimensions), [size * size * 3, tinyDimensions]),
    ])
    if (poisonedByWhite) {
      // The mean of a white image is 1, and there is no row 1.
      const mean = g.node('ReduceMean', [flat], { axes: [1], keepdims: 0 })
      const row = g.node('Cast', [g.node('Mul', [mean, g.floats(new Float32Array([1.2]), [1])])], { to: 7 })
      const zeros = g.floats(new Float32Array(tinyDimensions), [1, tinyDimensions])
      embedded = g.node('Add', [embedded, g.node('Gather', [zeros, row], { axis: 0 })])
    }
    output(embedded, 'image_embeds')
    inputs.push({ name: 'pixel_values', type: 'float32', shape: ['batch', 3, size, size] })
    declare('image_embeds')
  }
  if (towers.includes('text')) {
    const words = random(vocabulary * tinyDimensions)
    // Padding adds nothing.
    words.fill(0, 0, tinyDimensions)
    const rows = g.node('Gather', [g.floats(words, [vocabulary, tinyDimensions]), 'input_ids'], { axis: 0 })
    output(g.node('ReduceSum', [rows, g.integers([1])], { keepdims: 0 }), 'text_embeds')
    inputs.push({ name: 'input_ids', type: 'int64', shape: ['text_batch', 'length'] })
    declare('text_embeds')
  }
  return g.encode(inputs, outputs)
}

function random(count: number): Float32Array {
  const next = uniform(7)
  return Float32Array.from({ length: count }, () => next() - 0.5)
}
