/** What a graph says of its inputs against what the config files promise. */
import { describe, expect, test } from 'vitest'
import type { ValueInfo } from '../../../workers/onnx/writer.ts'
import { testGraph } from '../../support/graphs.ts'
import { clip, folders } from './families.ts'
import { type Files, TestFolder } from './folder-files.ts'

const ids: ValueInfo = { name: 'input_ids', type: 'int64', shape: ['n', 'l'] }
const pixels: ValueInfo = { name: 'pixel_values', shape: ['n', 3, 224, 224] }

async function read(text: ValueInfo[], vision: ValueInfo[], files: Files = clip) {
  await using folder = await TestFolder.make({
    ...files,
    'onnx/text_model.onnx': testGraph({ inputs: text }),
    'onnx/vision_model.onnx': testGraph({ inputs: vision }),
  })
  return await folder.spec()
}

describe('the inputs of a graph', () => {
  test('a sequence length that is written into a graph is that of every text', async () => {
    expect((await read([{ ...ids, shape: ['n', 32] }], [pixels])).text).toMatchObject({
      ...{ maxTokens: 32, padLength: 32, padTo: 'max' },
    })
    const siglip = folders.SigLIP!.files
    expect((await read([{ ...ids, shape: [1, 96] }], [pixels], siglip)).text).toMatchObject({
      ...{ maxTokens: 64, padLength: 96, padTo: 'max' },
    })
    expect((await read([ids], [pixels])).text).toMatchObject({ maxTokens: 77, padTo: 'longest' })
  })

  test('mask, segments and places may stand beside the tokens', async () => {
    const more = ['attention_mask', 'token_type_ids', 'position_ids'].map((name) => ({ ...ids, name }))
    await read([ids, ...more], [pixels])
  })

  test('a name that is not usual counts by its type where it is the only one', async () => {
    await read([{ ...ids, name: 'x' }], [{ ...pixels, name: 'y' }])
  })

  test.each<[string, ValueInfo[], ValueInfo[], RegExp]>([
    ['of an unknown name', [ids, { ...ids, name: 'odd' }], [pixels], /text_model\.onnx wants an input "odd"/],
    [
      'for masks of pixels',
      [ids],
      [pixels, { ...ids, name: 'pixel_attention_mask' }],
      /"pixel_attention_mask"/,
    ],
    ['of pixels in whole numbers', [ids], [{ ...pixels, type: 'int64' }], /"pixel_values" in element type 7/],
    [
      'of another size',
      [ids],
      [{ ...pixels, shape: ['n', 3, 336, 336] }],
      /takes images of 336 x 336; the config files make 224 x 224/,
    ],
    [
      'with channels last',
      [ids],
      [{ ...pixels, shape: ['n', 224, 224, 3] }],
      /three channels, before height/,
    ],
  ])('one %s is refused by name', async (_, text, vision, message) => {
    await expect(read(text, vision)).rejects.toThrow(message)
  })
})

describe('texts as the files state them', () => {
  const text = async (files: Files) => (await read([ids], [pixels], { ...clip, ...files })).text
  const config = (more: object) => ({
    'tokenizer_config.json': { ...(clip['tokenizer_config.json'] as object), ...more },
  })
  const tokenizer = (more: object) => ({
    'tokenizer.json': { ...(clip['tokenizer.json'] as object), ...more },
  })

  test('the padding token comes from tokenizer_config.json, special_tokens_map.json, tokenizer.json, in this order', async () => {
    const padding = { ...tokenizer({ padding: { strategy: 'BatchLongest', direction: 'Left', pad_id: 7 } }) }
    const none = config({ pad_token: undefined })
    const map = { 'special_tokens_map.json': { pad_token: '<|startoftext|>' } }
    expect((await text({ ...padding, ...map })).padId).toBe(49407)
    expect((await text({ ...padding, ...map, ...none })).padId).toBe(49406)
    expect(await text({ ...padding, ...none })).toMatchObject({ padId: 7, padSide: 'left', padTo: 'longest' })
  })
  test('the sides of tokenizer_config.json come before those of tokenizer.json', async () => {
    const files = {
      ...tokenizer({ padding: { direction: 'Left' }, truncation: { direction: 'Left', max_length: 9 } }),
      ...config({ padding_side: 'right', truncation_side: 'right' }),
    }
    expect(await text(files)).toMatchObject({ padSide: 'right', truncateSide: 'right', maxTokens: 77 })
  })
  test('the limit of tokenizer.json counts where tokenizer_config.json states none', async () => {
    const files = { ...tokenizer({ truncation: { max_length: 9 } }), ...config({ model_max_length: 1e30 }) }
    expect((await text(files)).maxTokens).toBe(9)
  })
  test.each<[Files, RegExp]>([
    [config({ pad_token: '[PAD]' }), /the pad_token "\[PAD\]" is not in tokenizer\.json/],
    [config({ padding_side: 'middle' }), /padding_side "middle"/],
  ])('%j is refused by name', async (files, message) => {
    await expect(text(files)).rejects.toThrow(message)
  })
  test('SigLIP 2 is in lower case with its punctuation, whether its tokenizer has a class of its own or is Gemma’s', async () => {
    const siglip = folders['SigLIP 2 of a fixed resolution']!.files
    for (const tokenizer_class of ['Siglip2Tokenizer', 'GemmaTokenizer']) {
      const files = {
        ...siglip,
        'tokenizer_config.json': { tokenizer_class, pad_token: '<pad>', eos_token: '<eos>' },
      }
      const { text } = await read([ids], [{ ...pixels, shape: ['n', 3, 'h', 'w'] }], files)
      expect(text).toMatchObject({ lowerCase: true, cleaning: 'none', padTo: 'max', padLength: 64 })
    }
  })
})

describe('an OpenCLIP folder', () => {
  const openClip = (model: object, preprocess: object = {}) => ({
    ...{ 'tokenizer.json': clip['tokenizer.json']!, 'tokenizer_config.json': clip['tokenizer_config.json']! },
    'open_clip_config.json': {
      model_cfg: { embed_dim: 8, vision_cfg: { image_size: 32 }, text_cfg: {}, ...model },
      preprocess_cfg: preprocess,
    },
  })
  const dynamic = { ...pixels, shape: ['n', 3, 'h', 'w'] }
  const spec = (model: object, preprocess?: object) => read([ids], [dynamic], openClip(model, preprocess))

  test.each<[object, string]>([
    [{}, 'lower'],
    [{ text_cfg: { hf_tokenizer_name: 'x' } }, 'whitespace'],
    [{ init_logit_bias: -10 }, 'canonicalize'],
    [{ text_cfg: { hf_tokenizer_name: 'x', tokenizer_kwargs: { clean: 'canonicalize' } } }, 'canonicalize'],
  ])('%j cleans its texts with "%s"', async (model, cleaning) => {
    expect((await spec(model)).text.cleaning).toBe(cleaning)
  })
  test('a size that is not square is squashed to', async () => {
    const { image } = await spec({ vision_cfg: { image_size: [20, 28] } }, { resize_mode: 'squash' })
    expect(image).toMatchObject({ width: 28, height: 20, fit: 'squash' })
  })
  test.each<[object, object, RegExp]>([
    [{ vision_cfg: { image_size: [20, 28] } }, {}, /image_size 20 x 28 and resize_mode "shortest"/],
    [{}, { resize_mode: 'longest' }, /resize_mode "longest"/],
    [{}, { mode: 'L' }, /mode "L"/],
    [{ text_cfg: { tokenizer_kwargs: { clean: 'odd' } } }, {}, /clean "odd"/],
    [{ text_cfg: { tokenizer_kwargs: { strip_sep_token: true } } }, {}, /strip_sep_token true/],
  ])('%j with %j is refused by name', async (model, preprocess, message) => {
    await expect(spec(model, preprocess)).rejects.toThrow(message)
  })
})
