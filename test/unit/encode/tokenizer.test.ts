import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer, padBatch, type Tokenizer } from '../../../workers/encode/tokenizer.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { TextSpec } from '../../../workers/registry/text-spec.ts'

const bundledFolder = fileURLToPath(new URL('../../../workers/models', import.meta.url))

describe('the bundled tokenizer', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    const registry = new ModelRegistry({
      bundledFolder,
      homeFolder: path.join(os.tmpdir(), 'limn-none'),
      cacheFolder: path.join(os.tmpdir(), 'limn-none-cache'),
      defaultModel: 'limn-icons',
    })
    tokenizer = await loadTokenizer(await registry.get())
  })

  test('the bundled tokenizer ignores case and adds no special tokens', () => {
    expect(tokenizer.encode('Red  HEART')).toEqual(tokenizer.encode('red heart'))
    expect(tokenizer.encode('red heart')).toHaveLength(2)
  })

  test.each(['', '   ', '\n\t'])('a text without a word is EMPTY: %j', (text) => {
    expect(() => tokenizer.encode(text)).toThrow(expect.objectContaining({ code: 'EMPTY' }))
  })

  test('a long text is cut at 24 tokens', () => {
    expect(tokenizer.encode('heart '.repeat(40))).toHaveLength(24)
  })
})

/** A tokenizer of words with an end token: enough to test the code around it. */
describe('loadTokenizer', () => {
  let folder: string
  const words = ['[UNK]', '</s>', 'a', 'cat', 'Cat', 'cat!', 'b']
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'limn-tokenizer-'))
    const vocab = Object.fromEntries(words.map((word, id) => [word, id]))
    const special = {
      id: 1,
      content: '</s>',
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    }
    await writeFile(
      path.join(folder, 'tokenizer.json'),
      JSON.stringify({
        version: '1.0',
        truncation: { max_length: 3, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
        padding: {
          strategy: { Fixed: 64 },
          direction: 'Right',
          pad_id: 1,
          pad_type_id: 0,
          pad_token: '</s>',
        },
        added_tokens: [{ ...special, special: true }],
        normalizer: null,
        pre_tokenizer: { type: 'WhitespaceSplit' },
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
          pair: [],
          special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
        },
        decoder: null,
        model: {
          type: 'WordPiece',
          vocab,
          unk_token: '[UNK]',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 100,
        },
      }),
    )
    await writeFile(
      path.join(folder, 'tokenizer_config.json'),
      JSON.stringify({ tokenizer_class: 'X', eos_token: '</s>' }),
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const plain: TextSpec = {
    maxTokens: 64,
    truncateSide: 'right',
    padId: 1,
    padSide: 'right',
    padTo: 'max',
    padLength: 64,
    lowerCase: false,
    cleaning: 'none',
  }
  const encode = async (text: string, spec: Partial<TextSpec> = {}) =>
    (await loadTokenizer({ folder, text: { ...plain, ...spec } })).encode(text)

  test('truncation and padding in tokenizer.json have no effect', async () => {
    expect(await encode('a a a a a')).toEqual([2, 2, 2, 2, 2, 1])
  })
  test('a text that is cut keeps its end token', async () => {
    expect(await encode('a cat a cat a cat', { maxTokens: 4 })).toEqual([2, 3, 2, 1])
    expect(await encode('a cat a', { maxTokens: 4 })).toEqual([2, 3, 2, 1])
    expect(await encode('a cat b cat', { maxTokens: 4, truncateSide: 'left' })).toEqual([3, 6, 3, 1])
  })
  test('an empty text is its end token when the tokenizer has one', async () => {
    expect(await encode('')).toEqual([1])
    expect(await encode('   ')).toEqual([1])
  })
  test("SigLIP's canonical form has lower case, no punctuation and single spaces", async () => {
    expect(await encode('Cat!')).toEqual([0, 1])
    expect(await encode('Cat', { lowerCase: false })).toEqual([4, 1])
    expect(await encode(' A\t(Cat!), \n a_ ', { lowerCase: true, cleaning: 'siglip' })).toEqual([2, 3, 2, 1])
  })
})

test('a batch is padded with the padding id and masked', () => {
  const { ids, mask } = padBatch([[5, 6, 7], [8]], 4, 9)
  expect([...ids]).toEqual([5n, 6n, 7n, 9n, 8n, 9n, 9n, 9n])
  expect([...mask]).toEqual([1n, 1n, 1n, 0n, 1n, 0n, 0n, 0n])
})
