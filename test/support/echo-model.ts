/** Model folders whose graphs give back what they were fed: the very pixels, and the token ids, the mask or the places. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GraphBuilder, type ValueInfo } from '../../workers/onnx/writer.ts'
import { openEncoder, vectors } from './encoders.ts'

/** Edge of the image, numbers of a text that come back, and the last number of each answer. */
const size = 4
const dimensions = size * size * 3 + 1
const unit = 1000

type TextInput = 'input_ids' | 'attention_mask' | 'token_type_ids' | 'position_ids'

export interface EchoModel {
  pixelType?: 'float32' | 'float16'
  /** Inputs of the text graph beside `input_ids`; the last one comes back. */
  textInputs?: TextInput[]
  /** Written into the graphs. */
  batch?: number
  length?: number
  /** Files of the folder that differ; null leaves one out. */
  files?: Record<string, object | null>
}

/** Tokens of the words a, b, c, d and e, with an end token behind them. */
export const wordTokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 0, content: '<pad>', special: true, normalized: false },
    { id: 1, content: '</s>', special: true, normalized: false },
  ],
  normalizer: null as object | null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
  } as object | null,
  decoder: null,
  model: {
    type: 'WordPiece',
    vocab: { '<pad>': 0, '</s>': 1, '[UNK]': 2, a: 3, b: 4, c: 5, d: 6, e: 7, A: 8, '[CLS]': 9 },
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  },
}

export const wordTokenizerConfig = { eos_token: '</s>', pad_token: '<pad>', model_max_length: 12 }

export const echoProcessor = {
  image_processor_type: 'CLIPImageProcessor',
  size: { height: size, width: size },
  crop_size: { height: size, width: size },
  rescale_factor: 1,
  do_normalize: false,
}

export function writeEchoModel(root: string, name: string, model: EchoModel = {}): string {
  const folder = path.join(root, name)
  mkdirSync(path.join(folder, 'onnx'), { recursive: true })
  const files: Record<string, object | null> = {
    'config.json': {
      model_type: 'clip',
      projection_dim: dimensions,
      text_config: { max_position_embeddings: 12 },
      vision_config: { image_size: size },
    },
    'preprocessor_config.json': echoProcessor,
    'tokenizer.json': wordTokenizer,
    'tokenizer_config.json': wordTokenizerConfig,
    ...model.files,
  }
  for (const [file, content] of Object.entries(files))
    if (content) writeFileSync(path.join(folder, file), JSON.stringify(content))
  writeFileSync(path.join(folder, 'onnx/vision_model.onnx'), visionGraph(model))
  writeFileSync(path.join(folder, 'onnx/text_model.onnx'), textGraph(model))
  return folder
}

function visionGraph({ pixelType = 'float32', batch }: EchoModel): Uint8Array {
  const g = new GraphBuilder()
  const flat = g.reshape(g.float('pixel_values'), [batch ?? 0, -1])
  g.node('Concat', [flat, marker(g, flat)], { axis: 1 }, 'image_embeds')
  return g.encode(
    [{ name: 'pixel_values', type: pixelType, shape: [batch ?? 'n', 3, size, size] }],
    [{ name: 'image_embeds', shape: [batch ?? 'n', dimensions] }],
  )
}

function textGraph({ textInputs = [], batch, length }: EchoModel): Uint8Array {
  const g = new GraphBuilder()
  const names: TextInput[] = ['input_ids', ...textInputs]
  const echoed = g.float(names.at(-1)!)
  const rest = g.mul(g.sum(echoed, [1]), g.floats(new Float32Array(dimensions), [1, dimensions]))
  const row = g.slice(g.node('Concat', [echoed, rest], { axis: 1 }), 1, 0, dimensions - 1)
  g.node('Concat', [row, marker(g, echoed)], { axis: 1 }, 'text_embeds')
  const shape = [batch ?? 'n', length ?? 'l']
  return g.encode(
    names.map((name): ValueInfo => ({ name, type: 'int64', shape })),
    [{ name: 'text_embeds', shape: [batch ?? 'n', dimensions] }],
  )
}

/** The number that says how an answer was scaled, one a row. */
const marker = (g: GraphBuilder, rows: string) => g.add(g.mul(g.sum(rows, [1]), 0), unit)

/** What the graphs of a model are fed, for texts and images: each answer without its marker. */
export async function fed(model: EchoModel, inputs: readonly (string | Uint8Array)[]): Promise<number[][]> {
  const encoder = await openEncoder({ models: {}, onHome: (root) => writeEchoModel(root, 'echo', model) })
  try {
    const results = await encoder.encode(
      inputs.map((input) => (typeof input === 'string' ? { text: input } : { image: input })),
      { model: 'echo' },
    )
    return vectors(results).map((vector) =>
      [...vector.slice(0, -1)].map((value) => Math.round((value / vector.at(-1)!) * unit * 100) / 100),
    )
  } finally {
    await encoder.close()
  }
}
