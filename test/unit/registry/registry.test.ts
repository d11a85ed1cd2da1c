import { cp, mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ModelFolderError, ModelNotFound } from '../../../workers/errors.ts'
import { writeModel } from '../../../workers/onnx/file.ts'
import { summariseGraph } from '../../../workers/onnx/inspect/graph-summary.ts'
import { families } from '../../../workers/registry/families.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { Precision } from '../../../workers/registry/spec.ts'
import { clip, type FolderFiles, folders } from './families.ts'

const bundledFolder = fileURLToPath(new URL('../../../workers/models', import.meta.url))
let root: string
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'limn-registry-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const home = () => mkdtemp(path.join(root, 'home-'))

/** A graph with nothing in it; those of one length of name have the same size. */
const empty = (name = 'graph') => encoded({ name })
const separate = { 'onnx/vision_model.onnx': empty(), 'onnx/text_model.onnx': empty() }

function encoded(graph: object): Buffer {
  return Buffer.from(writeModel({ irVersion: 8, graph }))
}

async function folder(homeFolder: string, name: string, files: FolderFiles): Promise<string> {
  const target = path.join(homeFolder, name)
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(target, file)), { recursive: true })
    const bytes = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content)
    await writeFile(path.join(target, file), bytes)
  }
  return target
}

const open = (homeFolder: string, precision: Precision | null = null) =>
  new ModelRegistry({
    bundledFolder,
    homeFolder,
    cacheFolder: path.join(root, 'cache'),
    defaultModel: 'limn-icons',
    precision,
  })

/** A model file with nothing but scalars, and a large tensor in front of them. */
function graphWith(scalars: Record<string, number>, raw = true): Buffer {
  const value = (x: number) =>
    raw ? { rawData: Buffer.from(Float32Array.of(x).buffer) } : { floatData: [x] }
  return encoded({
    name: 'graph',
    initializer: [
      { name: 'weights', dataType: 1, dims: [90_000], rawData: Buffer.alloc(360_000, 0x2a) },
      ...Object.entries(scalars).map(([name, x]) => ({ name, dataType: 1, dims: [], ...value(x) })),
    ],
  })
}

/** A graph whose one tensor lies in `w.data`, from there on. */
const outside = (offset: number) =>
  encoded({
    name: 'graph',
    initializer: [
      {
        ...{ name: 'weights', dataType: 1, dims: [1], dataLocation: 1 },
        externalData: Object.entries({ location: 'w.data', offset, length: 4 }).map(([key, value]) => ({
          key,
          value: String(value),
        })),
      },
    ],
  })

describe('the config files of a folder', () => {
  for (const [name, { files, expected }] of Object.entries(folders))
    test(`the registry reads a folder of ${name}`, async () => {
      const models = await home()
      await folder(models, 'model', { ...files, ...separate })
      const registry = open(models)
      expect(await registry.problems()).toEqual([])
      expect(await registry.get('model')).toMatchObject(expected)
    })

  test('every family of the table has a folder here', () => {
    const types = Object.values(folders).map(({ files }) => (files['config.json'] as any)?.model_type)
    expect(Object.keys(families).filter((family) => !types.includes(family))).toEqual([])
  })

  test('the registry reads the bundled model', async () => {
    expect(await open(await home()).get()).toMatchObject({
      name: 'limn-icons',
      bundled: true,
      licence: 'mit',
      dimensions: 256,
      image: { width: 64, fit: 'squash' },
      text: { maxTokens: 24, padId: 0, padSide: 'right', cleaning: 'none' },
    })
  })

  test.each<[string, FolderFiles, RegExp]>([
    [
      'another architecture',
      { ...clip, 'config.json': { model_type: 'bert' } },
      /model_type "bert"; supported are clip/,
    ],
    ['no tokenizer', { 'config.json': { model_type: 'clip' } }, /tokenizer\.json .* needed/],
    ['broken JSON', { ...clip, 'config.json': '{' }, /config\.json is not valid JSON/],
    ['no preprocessor', { ...clip, 'preprocessor_config.json': 'null' }, /no preprocessor_config/],
    [
      'an unknown filter',
      {
        ...clip,
        'preprocessor_config.json': { ...(clip['preprocessor_config.json'] as object), resample: 9 },
      },
      /resample 9 is no filter/,
    ],
    [
      'NaFlex',
      {
        ...clip,
        'preprocessor_config.json': { image_processor_type: 'Siglip2ImageProcessor', max_num_patches: 256 },
      },
      /NaFlex/,
    ],
    [
      'a tokenizer without a vocabulary',
      { ...clip, 'tokenizer.json': { x: 1 } },
      /^tokenizer\.json holds no model/,
    ],
    ['a graph of no bytes', { ...clip, 'onnx/text_model.onnx': '' }, /^text_model\.onnx is empty/],
    [
      'a graph that is cut off',
      { ...clip, 'onnx/text_model.onnx': graphWith({ x: 1 }).subarray(0, 200_000) },
      /^text_model\.onnx is no ONNX file, or one that is cut off/,
    ],
    [
      'noise for a graph',
      { ...clip, 'onnx/vision_model.onnx': Buffer.alloc(5000, 0xa7) },
      /^vision_model\.onnx is no ONNX file/,
    ],
    [
      'zeros for a graph',
      { ...clip, 'onnx/vision_model.onnx': Buffer.alloc(5000) },
      /^vision_model\.onnx is no ONNX file/,
    ],
    [
      'weights that are missing',
      { ...clip, 'onnx/vision_model.onnx': outside(8) },
      /^w\.data, which has the weights of vision_model\.onnx, is missing/,
    ],
    [
      'weights that are cut off',
      { ...clip, 'onnx/vision_model.onnx': outside(8), 'onnx/w.data': '1234567890' },
      /w\.data, .* is cut off: 10 of 12 bytes/,
    ],
  ])('a folder with %s is a problem that is named and hides nothing', async (_, files, message) => {
    const models = await home()
    await folder(models, 'good', {
      ...clip,
      ...separate,
      'onnx/vision_model.onnx': outside(0),
      'onnx/w.data': '1234',
    })
    await folder(models, 'bad', { ...separate, ...files })
    const registry = open(models)
    expect((await registry.list()).map(({ name }) => name)).toEqual(['good', 'limn-icons'])
    expect(await registry.problems()).toEqual([{ name: 'bad', message: expect.stringMatching(message) }])
    await expect(registry.get('bad')).rejects.toThrow(ModelFolderError)
  })
})

describe('the names of models', () => {
  test('a name has one level of owners, and hidden folders and files are passed over', async () => {
    const models = await home()
    for (const name of ['plain', 'Xenova/clip', '.partial/Xenova/half'])
      await folder(models, name, { ...clip, ...separate })
    await folder(models, '.', { 'readme.txt': 'no model' })
    await folder(models, 'Xenova', { 'readme.txt': 'no model' })
    const registry = open(models)
    expect(await registry.problems()).toEqual([])
    expect((await registry.list()).map(({ name }) => name)).toEqual(['limn-icons', 'plain', 'Xenova/clip'])
    await expect(registry.get('Xenova/half')).rejects.toThrow(ModelNotFound)
    await expect(registry.get('../plain')).rejects.toThrow(ModelNotFound)
  })

  test('folders without a config are problems, alone and beside the models of an owner', async () => {
    const models = await home()
    await folder(models, 'Xenova/clip', { ...clip, ...separate })
    const { 'config.json': _, ...rest } = clip
    for (const name of ['Xenova/half', 'half', 'me/half'])
      await folder(models, name, { ...rest, ...separate })
    for (const name of ['empty', 'Xenova/empty', 'me/onnx']) await mkdir(path.join(models, name))
    await folder(models, 'graphs', separate)
    const registry = open(models)
    expect((await registry.list()).map(({ name }) => name)).toEqual(['limn-icons', 'Xenova/clip'])
    const names = ['empty', 'graphs', 'half', 'me', 'Xenova/empty', 'Xenova/half']
    expect(await registry.problems()).toEqual(
      names.map((name) => ({ name, message: expect.stringContaining('There is no config.json') })),
    )
  })

  test("the user's own model wins over a bundled one of the same name", async () => {
    const models = await home()
    await folder(models, 'limn-icons', { ...clip, ...separate })
    expect(await open(models).get()).toMatchObject({ bundled: false, dimensions: 512 })
  })
})

describe('the ONNX files of a folder', () => {
  const all = {
    'onnx/vision_model.onnx': empty(),
    'onnx/text_model.onnx': empty(),
    'onnx/vision_model_fp16.onnx': empty(),
    'onnx/text_model_fp16.onnx': empty(),
    'onnx/vision_model_quantized.onnx': empty(),
    'onnx/text_model_quantized.onnx': empty(),
    'onnx/model_q4.onnx': empty(),
  }
  test.each<[Precision | null, string, object]>([
    [null, 'fp32', { kind: 'separate', vision: expect.stringMatching(/vision_model\.onnx$/) }],
    ['fp16', 'fp16', { kind: 'separate', text: expect.stringMatching(/text_model_fp16\.onnx$/) }],
    ['int8', 'int8', { kind: 'separate', vision: expect.stringMatching(/vision_model_quantized\.onnx$/) }],
    ['q4', 'q4', { kind: 'combined', model: expect.stringMatching(/model_q4\.onnx$/) }],
  ])('the registry, asked for precision %s, takes %s', async (wanted, precision, files) => {
    const models = await home()
    await folder(models, 'model', { ...clip, ...all })
    expect((await open(models, wanted).get('model')).files).toMatchObject({ precision, ...files })
  })

  test('half a pair and a precision that is not there are no model', async () => {
    const models = await home()
    await folder(models, 'half', { ...clip, 'onnx/vision_model.onnx': empty() })
    await folder(models, 'only32', { ...clip, ...separate })
    await expect(open(models).get('half')).rejects.toThrow(/no ONNX model; looked for/)
    await expect(open(models, 'fp16').get('only32')).rejects.toThrow(/no fp16 ONNX model/)
    // The bundled model has what it comes with.
    expect((await open(models, 'fp16').get()).files.precision).toBe('fp32')
  })

  test('a combined graph may lie in the root of the folder', async () => {
    const models = await home()
    await folder(models, 'model', { ...clip, 'model.onnx': empty() })
    expect((await open(models).get('model')).files).toMatchObject({ kind: 'combined', precision: 'fp32' })
  })
})

describe('the logit scale', () => {
  const config = (more: object) => ({
    ...clip,
    'config.json': { model_type: 'clip', projection_dim: 8, ...more },
  })
  const scale = async (files: FolderFiles) => {
    const models = await home()
    await folder(models, 'model', files)
    const { head } = await open(models).get('model')
    return Math.round(head.scale * 1000) / 1000
  }
  test.each([true, false])(
    'the scale of the weights comes before the one that training began with (raw data: %s)',
    async (raw) => {
      const graph = graphWith({ 'model.logit_scale': Math.log(77), other_logit_scale_x: 1 }, raw)
      expect(await scale({ ...config({ logit_scale_init_value: 2.6592 }), 'onnx/model.onnx': graph })).toBe(
        77,
      )
    },
  )
  test('the scale of limn.json comes before all others', async () => {
    const graph = graphWith({ logit_scale: Math.log(77) })
    expect(
      await scale({ ...config({}), 'onnx/model.onnx': graph, 'limn.json': { logit_scale: Math.log(5) } }),
    ).toBe(5)
  })
  test('a scale that training left at its start counts as the 100 that CLIP learns, if the model was published', async () => {
    expect(
      await scale({
        ...config({ logit_scale_init_value: 2.6592, transformers_version: '5.1' }),
        ...separate,
      }),
    ).toBe(100)
    expect(await scale({ ...config({ logit_scale_init_value: 2.6592 }), ...separate })).toBeCloseTo(14.285, 2)
    expect(
      await scale({ ...config({ logit_scale_init_value: 3, transformers_version: '5.1' }), ...separate }),
    ).toBeCloseTo(Math.exp(3), 2)
  })
  test('scale and bias of a SigLIP come from the weights', async () => {
    const models = await home()
    const graph = graphWith({ logit_scale: Math.log(110), logit_bias: -16.5 })
    await folder(models, 'model', { ...folders.SigLIP!.files, 'onnx/model.onnx': graph })
    const { head } = await open(models).get('model')
    expect(head).toMatchObject({ kind: 'sigmoid', bias: -16.5 })
    expect(head.scale).toBeCloseTo(110, 3)
  })
  test('a file that is no graph, or is cut off, has no summary', async () => {
    const file = path.join(root, 'noise.onnx')
    await writeFile(file, Buffer.alloc(5000, 0xff))
    await expect(summariseGraph(file)).rejects.toThrow(RangeError)
    await writeFile(file, graphWith({ logit_scale: 1 }).subarray(0, 200_000))
    await expect(summariseGraph(file)).rejects.toThrow(RangeError)
  })
})

describe('the revision', () => {
  const revision = async (models: string) => (await open(models).get('model')).revision

  test('the revision changes with weights, tokenizer and configs, and with nothing else', async () => {
    const models = await home()
    const files: FolderFiles = { ...clip, ...separate }
    const target = await folder(models, 'model', files)
    const first = await revision(models)
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    await writeFile(path.join(target, 'README.md'), '---\nlicense: apache-2.0\n---\n')
    expect(await revision(models)).toBe(first)
    expect((await open(models).get('model')).licence).toBe('apache-2.0')
    const seen = new Set([first])
    for (const [file, content] of [
      ['onnx/vision_model.onnx', empty('another')],
      ['onnx/text_model.onnx', empty('another')],
      ['tokenizer.json', JSON.stringify({ ...(clip['tokenizer.json'] as object), version: '1.0' })],
    ] as const) {
      await writeFile(path.join(target, file), content)
      seen.add(await revision(models))
    }
    await writeFile(
      path.join(target, 'config.json'),
      JSON.stringify({ ...(clip['config.json'] as object), x: 1 }),
    )
    seen.add(await revision(models))
    expect(seen.size).toBe(5)
  })

  test('the revision of a folder is the same in another place', async () => {
    const [a, b] = [await home(), await home()]
    await cp(path.join(bundledFolder, 'limn-icons'), path.join(a, 'model'), { recursive: true })
    await cp(path.join(bundledFolder, 'limn-icons'), path.join(b, 'model'), { recursive: true })
    expect(await revision(a)).toBe(await revision(b))
  })

  test('the registry reads an untouched file once, and one that was exchanged again, whatever its size and time', async () => {
    const models = await home()
    const target = await folder(models, 'model', { ...clip, ...separate })
    const weights = path.join(target, 'onnx/vision_model.onnx')
    const time = new Date(1e12)
    await writeFile(weights, empty('a'))
    await utimes(weights, time, time)
    const first = await revision(models)
    const digests = path.join(root, 'cache/digests.json')
    const known = JSON.parse(await readFile(digests, 'utf8'))
    known[weights].digest = 'f'.repeat(known[weights].digest.length)
    await writeFile(digests, JSON.stringify(known))
    expect(await revision(models)).not.toBe(first)
    // A copy that keeps times, and a rename over the file: size and time of change stay as they were.
    await writeFile(weights, empty('b'))
    await utimes(weights, time, time)
    const second = await revision(models)
    expect(second).not.toBe(first)
    await writeFile(`${weights}.new`, empty('c'))
    await utimes(`${weights}.new`, time, time)
    await rename(`${weights}.new`, weights)
    expect([first, second]).not.toContain(await revision(models))
  })
})
