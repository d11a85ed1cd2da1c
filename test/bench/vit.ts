/** A CLIP of the real ViT-B/32's size with random weights, written as its usual ONNX export is: no download needed. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GraphBuilder } from '../../workers/onnx/writer.ts'
import { benchTokenizer } from './tokenizer.ts'

const vision = { width: 768, layers: 12, heads: 12, patch: 32, size: 224 }
const text = { width: 512, layers: 12, heads: 8, tokens: 77, vocabulary: 49408 }
const projection = 512

/** Small random weights, the same ones every time. */
let state = 12345
function weights(count: number, scale = 0.02): Float32Array {
  const data = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    data[i] = (state / 2 ** 31) * scale * 1.7
  }
  return data
}

const constant = (count: number, value: number) => new Float32Array(count).fill(value)

function linear(g: GraphBuilder, x: string, from: number, to: number, bias = true): string {
  const product = g.node('MatMul', [x, g.floats(weights(from * to), [from, to])])
  return bias ? g.node('Add', [g.floats(weights(to), [to]), product]) : product
}

const norm = (g: GraphBuilder, x: string, width: number) =>
  g.node(
    'LayerNormalization',
    [x, g.floats(constant(width, 1), [width]), g.floats(constant(width, 0), [width])],
    { axis: -1, epsilon: 1e-5 },
  )

/** How self-attention is written, from what was normalised to the heads' results side by side. */
type Attention = (
  g: GraphBuilder,
  normed: string,
  width: number,
  heads: number,
  mask: string | null,
) => string

const scaled = (g: GraphBuilder, query: string, size: number) =>
  g.node('Mul', [query, g.floats(constant(1, size ** -0.5), [1])])

/** Three products, then each head's attention by plain operators: as exporters write it. */
const plain: Attention = (g, normed, width, heads, mask) => {
  const query = scaled(g, linear(g, normed, width, width), width / heads)
  const [key, value] = [linear(g, normed, width, width), linear(g, normed, width, width)]
  return attend(g, [query, key, value], width, heads, mask)
}

function attend(
  g: GraphBuilder,
  [query, key, value]: readonly [string, string, string],
  width: number,
  heads: number,
  mask: string | null,
): string {
  const split = g.integers([0, 0, heads, width / heads])
  const headsOf = (of: string, perm: number[]) =>
    g.node('Transpose', [g.node('Reshape', [of, split])], { perm })
  const scores = g.node('MatMul', [headsOf(query, [0, 2, 1, 3]), headsOf(key, [0, 2, 3, 1])])
  const attention = g.node('Softmax', [mask ? g.node('Add', [scores, mask]) : scores], { axis: -1 })
  const mixed = g.node('MatMul', [attention, headsOf(value, [0, 2, 1, 3])])
  return g.node('Reshape', [g.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), g.integers([0, 0, width])])
}

/** One product for query, key and value. */
function together(g: GraphBuilder, normed: string, width: number): [string, string, string] {
  const all = linear(g, normed, width, 3 * width)
  const outputs: [string, string, string] = [g.fresh(), g.fresh(), g.fresh()]
  g.nodes('Split', [all, g.integers([width, width, width])], outputs, { axis: 2 })
  return outputs
}

/** The fusions that could be made of it, for fusions.ts; without a mask. */
export const attentions = {
  plain,
  'one product for q, k, v': (g, normed, width, heads, mask) => {
    const [query, key, value] = together(g, normed, width)
    return attend(g, [scaled(g, query, width / heads), key, value], width, heads, mask)
  },
  MultiHeadAttention: (g, normed, width, heads) => {
    const of = () => linear(g, normed, width, width)
    return g.node('com.microsoft:MultiHeadAttention', [of(), of(), of()], { num_heads: heads })
  },
  both: (g, normed, width, heads) =>
    g.node('com.microsoft:MultiHeadAttention', together(g, normed, width), { num_heads: heads }),
} satisfies Record<string, Attention>

function block(
  g: GraphBuilder,
  x: string,
  width: number,
  heads: number,
  mask: string | null,
  attention: Attention = plain,
): string {
  const joined = attention(g, norm(g, x, width), width, heads, mask)
  const seen = g.node('Add', [x, linear(g, joined, width, width)])
  const wide = linear(g, norm(g, seen, width), width, 4 * width)
  const gate = g.node('Sigmoid', [g.node('Mul', [wide, g.floats(constant(1, 1.702), [1])])])
  return g.node('Add', [seen, linear(g, g.node('Mul', [wide, gate]), 4 * width, width)])
}

export function visionModel(attention: Attention = plain): Uint8Array {
  const g = new GraphBuilder()
  const { width, layers, heads, patch, size } = vision
  const patches = (size / patch) ** 2
  const conv = g.node(
    'Conv',
    ['pixel_values', g.floats(weights(width * 3 * patch * patch), [width, 3, patch, patch])],
    {
      kernel_shape: [patch, patch],
      strides: [patch, patch],
    },
  )
  const tokens = g.node('Transpose', [g.node('Reshape', [conv, g.integers([0, width, patches])])], {
    perm: [0, 2, 1],
  })
  const batch = g.node('Slice', [g.node('Shape', ['pixel_values']), g.integers([0]), g.integers([1])])
  const shape = g.node('Concat', [batch, g.integers([1, width])], { axis: 0 })
  const cls = g.node('Expand', [g.floats(weights(width), [1, 1, width]), shape])
  const all = g.node('Concat', [cls, tokens], { axis: 1 })
  let x = g.node('Add', [all, g.floats(weights((patches + 1) * width), [1, patches + 1, width])])
  x = norm(g, x, width)
  for (let i = 0; i < layers; i++) x = block(g, x, width, heads, null, attention)
  const pooled = norm(g, g.node('Gather', [x, g.integers([0], [])], { axis: 1 }), width)
  g.node('MatMul', [pooled, g.floats(weights(width * projection), [width, projection])], {}, 'image_embeds')
  return g.encode(
    [{ name: 'pixel_values', type: 'float32', shape: ['batch_size', 3, size, size] }],
    [{ name: 'image_embeds', shape: ['batch_size', projection] }],
  )
}

function textModel(): Uint8Array {
  const g = new GraphBuilder()
  const { width, layers, heads, tokens, vocabulary } = text
  const shape = g.node('Shape', ['input_ids'])
  const batch = g.node('Slice', [shape, g.integers([0]), g.integers([1])])
  const length = g.node('Slice', [shape, g.integers([1]), g.integers([2])])
  const embedded = g.node('Gather', [g.floats(weights(vocabulary * width), [vocabulary, width]), 'input_ids'])
  const positions = g.floats(weights(tokens * width), [tokens, width])
  let x = g.node('Add', [embedded, g.node('Slice', [positions, g.integers([0]), length, g.integers([0])])])
  const causal = new Float32Array(tokens * tokens)
  for (let row = 0; row < tokens; row++) causal.fill(-1e9, row * tokens + row + 1, (row + 1) * tokens)
  const mask = g.node('Slice', [
    g.floats(causal, [tokens, tokens]),
    g.integers([0, 0]),
    g.node('Concat', [length, length], { axis: 0 }),
    g.integers([0, 1]),
  ])
  for (let i = 0; i < layers; i++) x = block(g, x, width, heads, mask)
  x = norm(g, x, width)
  // The output at the end-of-text token, which has the highest id: the first one, as the padding repeats it.
  const flat = g.node('Reshape', [x, g.integers([-1, width])])
  const end = g.node('ArgMax', ['input_ids'], { axis: 1, keepdims: 0 })
  const scalar = (value: string) => g.node('Reshape', [value, g.integers([], [0])])
  const rows = g.node('Range', [g.integers([0], []), scalar(batch), g.integers([1], [])])
  const index = g.node('Add', [g.node('Mul', [rows, length]), end])
  const pooled = g.node('Gather', [flat, index], { axis: 0 })
  g.node('MatMul', [pooled, g.floats(weights(width * projection), [width, projection])], {}, 'text_embeds')
  return g.encode(
    [{ name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] }],
    [{ name: 'text_embeds', shape: ['batch_size', projection] }],
  )
}

const configs = {
  'config.json': {
    model_type: 'clip',
    architectures: ['CLIPModel'],
    projection_dim: projection,
    logit_scale_init_value: 4.6052,
    text_config: {
      model_type: 'clip_text_model',
      hidden_size: 512,
      max_position_embeddings: 77,
      vocab_size: 49408,
    },
    vision_config: { model_type: 'clip_vision_model', hidden_size: 768, image_size: 224, patch_size: 32 },
  },
  'preprocessor_config.json': {
    crop_size: { height: 224, width: 224 },
    do_center_crop: true,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_std: [0.26862954, 0.26130258, 0.27577711],
    image_processor_type: 'CLIPImageProcessor',
    resample: 3,
    rescale_factor: 1 / 255,
    size: { shortest_edge: 224 },
  },
}

export const vitName = 'random-vit-b-32'

/** The model folder, written once below `root`: about 600 MB. */
export function vitFolder(root: string): string {
  const folder = path.join(root, vitName)
  if (existsSync(folder)) return folder
  const draft = `${folder}.draft`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(path.join(draft, 'onnx'), { recursive: true })
  const write = (file: string, content: object) =>
    writeFileSync(path.join(draft, file), JSON.stringify(content))
  for (const [file, content] of Object.entries(configs)) write(file, content)
  const { tokenizer, config } = benchTokenizer()
  write('tokenizer.json', tokenizer)
  write('tokenizer_config.json', config)
  writeFileSync(path.join(draft, 'onnx', 'vision_model.onnx'), visionModel())
  writeFileSync(path.join(draft, 'onnx', 'text_model.onnx'), textModel())
  renameSync(draft, folder)
  return folder
}
