/** What reaches a graph's inputs, seen in graphs that give it back. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { echoProcessor, fed, wordTokenizer, wordTokenizerConfig } from '../../support/echo-model.ts'

const noise = Uint8Array.from({ length: 48 }, (_, i) => (i * 53 + 7) & 255)
const image = await sharp(noise, { raw: { width: 4, height: 4, channels: 3 } })
  .png()
  .toBuffer()
/** Channels first. */
const planes = [0, 1, 2].flatMap((channel) => [...noise].filter((_, i) => i % 3 === channel))

const row = (...values: number[]) => [...values, ...new Array(48 - values.length).fill(0)]

describe('pixels', () => {
  test('a graph gets its pixels in single precision', async () => {
    expect(await fed({}, [image])).toEqual([planes])
  })
  test('a graph gets its pixels in half precision', async () => {
    expect(await fed({ pixelType: 'float16' }, [image])).toEqual([planes])
  })
  test('the image processor of processor_config.json counts where it stands alone', async () => {
    const files = {
      'preprocessor_config.json': null,
      'processor_config.json': { processor_class: 'CLIPProcessor', image_processor: echoProcessor },
    }
    expect(await fed({ files }, [image])).toEqual([planes])
  })
  test('the image processor of processor_config.json comes before preprocessor_config.json', async () => {
    const files = {
      'preprocessor_config.json': { ...echoProcessor, rescale_factor: 2 },
      'processor_config.json': { image_processor: echoProcessor },
    }
    expect(await fed({ files }, [image])).toEqual([planes])
  })
  test('a graph of a fixed batch size runs as often as it takes', async () => {
    const inverted = await sharp(image).negate().png().toBuffer()
    const both = [planes, planes.map((value) => 255 - value)]
    expect(await fed({ batch: 2 }, [image, inverted, await sharp(image).gif().toBuffer()])).toHaveLength(3)
    expect(await fed({ batch: 1 }, [image, inverted])).toEqual(both)
    expect(await fed({ batch: 3 }, [image, inverted])).toEqual(both)
  })
})

describe('tokens', () => {
  const tokenizer = (more: object) => ({ 'tokenizer.json': { ...wordTokenizer, ...more } })

  test('a text is its words and the end token of the post-processor, padded with the padding token', async () => {
    const files = { 'tokenizer_config.json': { ...wordTokenizerConfig, pad_token: '[UNK]' } }
    expect(await fed({ files, length: 6 }, ['a b'])).toEqual([row(3, 4, 1, 2, 2, 2)])
  })
  test('the sequence length that is written into a graph is the length of every text', async () => {
    expect(await fed({ length: 4 }, ['a', 'a b c d e'])).toEqual([row(3, 1), row(3, 4, 5, 1)])
  })
  test('a graph longer than the tokenizer allows gets the rest as padding', async () => {
    const config = { ...wordTokenizerConfig, model_max_length: 3, pad_token: '[UNK]' }
    const files = { 'tokenizer_config.json': config }
    expect(await fed({ files, length: 5 }, ['a b c'])).toEqual([row(3, 4, 1, 2, 2)])
  })
  test('texts are padded to the fixed length that tokenizer.json states', async () => {
    const padding = { strategy: { Fixed: 7 }, direction: 'Right', pad_id: 2, pad_token: '[UNK]' }
    const files = { ...tokenizer({ padding }), 'tokenizer_config.json': { eos_token: '</s>' } }
    expect(await fed({ files }, ['a'])).toEqual([row(3, 1, 2, 2, 2, 2, 2)])
  })
  test('padding goes to the left where the tokenizer says so', async () => {
    const files = {
      'tokenizer_config.json': { ...wordTokenizerConfig, padding_side: 'left', pad_token: '[UNK]' },
    }
    expect(await fed({ files, length: 4 }, ['a'])).toEqual([row(2, 2, 3, 1)])
    expect(await fed({ files, length: 4, textInputs: ['attention_mask'] }, ['a'])).toEqual([row(0, 0, 1, 1)])
  })
  test('a mask marks the tokens of the text', async () => {
    expect(await fed({ length: 5, textInputs: ['attention_mask'] }, ['a b'])).toEqual([row(1, 1, 1)])
  })
  test('places count from zero on, padding included', async () => {
    expect(await fed({ length: 4, textInputs: ['attention_mask', 'position_ids'] }, ['a'])).toEqual([
      row(0, 1, 2, 3),
    ])
  })
  test('a text is one segment', async () => {
    expect(await fed({ length: 4, textInputs: ['token_type_ids'] }, ['a b'])).toEqual([row()])
  })
  test('a text that is cut keeps both of its special tokens', async () => {
    const post_processor = { type: 'BertProcessing', sep: ['</s>', 1], cls: ['[CLS]', 9] }
    expect(await fed({ files: tokenizer({ post_processor }), length: 4 }, ['a b c d'])).toEqual([
      row(9, 3, 4, 1),
    ])
  })
  test('texts of a graph of a fixed batch size are encoded in as many runs as it takes', async () => {
    expect(await fed({ batch: 2, length: 3 }, ['a', 'b', 'c'])).toEqual([row(3, 1), row(4, 1), row(5, 1)])
  })
})
