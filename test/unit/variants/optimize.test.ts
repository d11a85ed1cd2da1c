/** Deriving, judging and choosing 8-bit files for whole models, on real sessions. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLog } from '../../../api/app.ts'
import { createVariantJobs } from '../../../api/variant-jobs.ts'
import { LocalEncoder } from '../../../workers/encode/local-encoder.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { uniform } from '../../../workers/random.ts'
import { readRecord, variantBase, writeRecord } from '../../../workers/registry/derived.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { VariantChoice } from '../../../workers/registry/with-variants.ts'
import { chooseTowers } from '../../../workers/variants/choose-towers.ts'
import { notDerived } from '../../../workers/variants/derive-tower.ts'
import {
  agreement as agreementOf,
  agreementProblem,
  overlap,
  speedProblem,
} from '../../../workers/variants/gate.ts'
import { optimize } from '../../../workers/variants/optimize.ts'
import { writeTinyModel } from '../../support/tiny-model.ts'

const root = mkdtempSync(path.join(tmpdir(), 'limn-variants-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

type LoadedListener = Parameters<LocalEncoder['onModelLoaded']>[0]

const bundled = path.resolve('workers/models/limn-icons')
let homes = 0
function home() {
  const folder = path.join(root, `home-${homes++}`)
  const models = path.join(folder, 'models')
  const cacheFolder = path.join(folder, 'cache')
  mkdirSync(models, { recursive: true })
  const registry = (variant: VariantChoice = 'fp32', defaultModel = 'limn-icons') =>
    new ModelRegistry({
      bundledFolder: path.resolve('workers/models'),
      homeFolder: models,
      cacheFolder,
      defaultModel,
      variant,
    })
  return { folder, models, cacheFolder, registry }
}

const random = (count: number, seed: number) => {
  const next = uniform(seed)
  return Float32Array.from({ length: count }, () => next() - 0.5)
}

/** Two layers of images; `outlier` makes one value of the second's input so large that the others are rounded away. */
function writeModel(models: string, name: string, { outlier = 1, opset = 17 } = {}): string {
  writeTinyModel(models, name, { saysDimensions: 64 })
  const tower = (input: string, g: GraphBuilder, output: string) => {
    const hidden = g.node('Tanh', [g.node('MatMul', [input, g.floats(random(192 * 128, 1), [192, 128])])])
    const large = new Float32Array(128).fill(1)
    large[5] = outlier
    const second = random(128 * 64, 2).map((v, i) => (i >> 6 === 5 ? v / outlier : v))
    g.node(
      'MatMul',
      [g.node('Mul', [hidden, g.floats(large, [128])]), g.floats(second, [128, 64])],
      {},
      output,
    )
  }
  const vision = new GraphBuilder(opset)
  tower(vision.node('Reshape', ['pixel_values', vision.integers([0, -1])]), vision, 'image_embeds')
  const file = (of: string) => path.join(models, name, 'onnx', `${of}_model.onnx`)
  writeFileSync(
    file('vision'),
    vision.encode(
      [{ name: 'pixel_values', shape: ['n', 3, 8, 8] }],
      [{ name: 'image_embeds', shape: ['n', 64] }],
    ),
  )
  const text = new GraphBuilder(17)
  const words = text.node('Gather', [text.floats(random(42_000 * 192, 3), [42_000, 192]), 'input_ids'], {
    axis: 0,
  })
  tower(text.node('ReduceMean', [words], { axes: [1], keepdims: 0 }), text, 'text_embeds')
  writeFileSync(
    file('text'),
    text.encode(
      [{ name: 'input_ids', type: 'int64', shape: ['n', 'length'] }],
      [{ name: 'text_embeds', shape: ['n', 64] }],
    ),
  )
  return file('vision')
}

describe('the gate', () => {
  const unit = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle))
  it('the gate refuses a mean or a lowest cosine below its limits', () => {
    const found = agreementOf([unit(0), unit(1)], [unit(0), unit(1 + Math.acos(0.97))])
    expect(found.mean).toBeCloseTo(0.985)
    expect(found.worst).toBeCloseTo(0.97)
    expect(agreementProblem(found)).toMatch(/mean cosine 0\.9850 is below 0\.99/)
    expect(agreementProblem({ mean: 0.999, worst: 0.97 })).toMatch(/lowest cosine 0\.9700 is below 0\.98/)
    expect(agreementProblem({ mean: 0.99, worst: 0.98 })).toBeNull()
  })
  it('the gate refuses a file that is hardly faster', () => {
    expect(speedProblem(1.09)).toBe('it is 1.09 times as fast as fp32 here, below 1.2')
    expect(speedProblem(1.2)).toBeNull()
  })
  it('the overlap is the share of the ten best images that two rankings have in common', () => {
    const images = Array.from({ length: 20 }, (_, i) => unit(i * 0.05))
    const prompts = [unit(0)]
    expect(overlap({ prompts, images }, { prompts, images })).toBe(1)
    // From the other end the ten best are the other ten.
    expect(overlap({ prompts, images }, { prompts: [unit(0.95)], images })).toBe(0)
    // Two of the ten change places with two others.
    const moved = images.map((image, i) => (i < 2 ? unit(1.5) : image))
    expect(overlap({ prompts, images }, { prompts, images: moved })).toBeCloseTo(0.8)
  })
})

describe('the choice of towers', () => {
  const found = (speeds: [number, number]) => ({
    vision: { ...notDerived(''), file: 'vision', speedup: speeds[0], reason: null },
    text: { ...notDerived(''), file: 'text', speedup: speeds[1], reason: null },
  })
  it('both towers serve where they agree with fp32 together', () => {
    const towers = found([2, 3])
    expect(chooseTowers(towers, () => 0.96)).toEqual(towers)
  })
  it('only the faster tower serves where both together do not agree', () => {
    const { vision, text } = chooseTowers(found([2, 3]), ({ length }) => (length === 2 ? 0.9 : 0.97))
    expect(text.reason).toBeNull()
    expect(vision.reason).toBe(
      'the ten best images agree with fp32 in 90.0 % with both towers together, below 95 %',
    )
  })
  it('neither tower serves where none agrees alone', () => {
    const { vision, text } = chooseTowers(found([2, 3]), () => 0.5)
    for (const { reason } of [vision, text])
      expect(reason).toBe('the ten best images agree with fp32 in 50.0 % with it, below 95 %')
  })
  it('a tower that fails alone keeps its reason', () => {
    const towers = found([2, 3])
    const slow = { ...towers.vision, reason: 'slow' }
    expect(chooseTowers({ ...towers, vision: slow }, () => 1)).toEqual({ ...towers, vision: slow })
  })
})

describe('deriving', () => {
  it('the bundled model in 8 bits agrees with fp32, and the encoder serves it under the same revision', async () => {
    const { cacheFolder, registry } = home()
    const spec = await registry().get()
    const record = await optimize(spec, { cacheFolder })
    for (const tower of ['vision', 'text'] as const) {
      expect(record.towers[tower].cosine!.worst).toBeGreaterThan(0.99)
      expect(record.towers[tower].rewritten).toBeGreaterThan(3)
      expect(record.towers[tower].speedup).toBeGreaterThan(0)
    }
    expect(record.sameSpace).toBe(true)
    expect(await readRecord(cacheFolder, spec.revision, 'cpu')).toEqual(record)
    // By hand, whatever is faster here.
    const eight = await registry('int8').get()
    expect(eight).toMatchObject({
      revision: spec.revision,
      files: spec.files,
      variants: [{ provider: 'cpu', name: 'int8', towers: ['vision', 'text'] }],
    })

    const encoders = await Promise.all(
      (['fp32', 'int8'] as const).map(
        (variant) => new LocalEncoder({ registry: registry(variant), cacheFolder, provider: 'cpu' }),
      ),
    )
    const inputs = [
      { text: 'a red heart' },
      { image: readFileSync('workers/encode/verification/images/heart.png') },
    ]
    const [a, b] = (await Promise.all(encoders.map((encoder) => encoder.encode(inputs)))) as {
      vector: Float32Array
    }[][]
    const { worst } = agreementOf(
      a!.map(({ vector }) => vector),
      b!.map(({ vector }) => vector),
    )
    expect(worst).toBeGreaterThan(0.99)
    expect(worst).toBeLessThan(1)
    await Promise.all(encoders.map((encoder) => encoder.close()))
  })

  it('a layer that hurts stays in float', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'outlier', { outlier: 5000 })
    writeModel(models, 'plain')
    const [plain, outlier] = await Promise.all(
      ['plain', 'outlier'].map(async (name) => optimize(await registry().get(name), { cacheFolder })),
    )
    expect(plain!.towers.vision).toMatchObject({ rewritten: 2, kept: [] })
    expect(outlier!.towers.vision).toMatchObject({ rewritten: 1, kept: ['image_embeds'] })
    expect(outlier!.towers.vision.cosine!.worst).toBeGreaterThan(0.99)
  })

  it('a model that holds both towers in one graph gives a file for each', async () => {
    const { models, cacheFolder, registry } = home()
    writeTinyModel(models, 'both', { combined: true })
    const record = await optimize(await registry().get('both'), { cacheFolder })
    // Its matrices are too small.
    expect(record.towers.vision).toMatchObject({ file: null, reason: expect.stringMatching(/no product/) })
    expect((await registry('int8').get('both')).variants).toEqual([])
  })

  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'an operator set that is too old',
      (models) => writeModel(models, 'broken', { opset: 9 }),
      /operator set 9; variants need 11/,
    ],
    [
      'half-precision files',
      (models) => {
        cpSync(bundled, path.join(models, 'broken'), { recursive: true })
        for (const tower of ['vision', 'text']) {
          const own = path.join(models, 'broken/onnx', `${tower}_model`)
          cpSync(`${own}.onnx`, `${own}_fp16.onnx`)
          rmSync(`${own}.onnx`)
        }
      },
      /files are fp16; variants are derived from fp32/,
    ],
  ])('a model with %s serves with its own files', async (_, write, reason) => {
    const { models, cacheFolder, registry } = home()
    write(models)
    const record = await optimize(await registry().get('broken'), { cacheFolder })
    expect(record.towers.vision.reason).toMatch(reason)
    expect(record.towers.vision.file).toBeNull()
    const left = readdirSync(path.join(cacheFolder, 'variants')).filter((file) => file.includes('vision'))
    expect(left).toEqual([])
  })

  it('a model that does not load is an error and leaves no files', async () => {
    const { models, cacheFolder, registry } = home()
    writeTinyModel(models, 'bad', { saysDimensions: 7 })
    await expect(optimize(await registry().get('bad'), { cacheFolder })).rejects.toThrow(
      /"bad" cannot be used: the config files say 7 dimensions, vision_model\.onnx gives 6/,
    )
    expect(readdirSync(path.join(cacheFolder, 'variants'))).toEqual([])
  })

  it('a model whose derived file is damaged later serves with its own', async () => {
    const { cacheFolder, registry } = home()
    const spec = await registry().get()
    await optimize(spec, { cacheFolder })
    const eight = registry('int8')
    const [variant] = (await eight.get()).variants
    const file = (variant!.files as { vision: string }).vision
    writeFileSync(file, readFileSync(file).subarray(0, 10_000))
    const encoder = new LocalEncoder({ registry: eight, cacheFolder, provider: 'cpu' })
    const [text, image] = await encoder.encode([
      { text: 'a red heart' },
      { image: readFileSync('workers/encode/verification/images/heart.png') },
    ])
    expect([text, image].every((result) => 'vector' in result!)).toBe(true)
    await encoder.close()
  })
})

describe('many at once, and what goes wrong', () => {
  const encoderOf = (registry: ModelRegistry, cacheFolder: string) =>
    new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })

  it('of two processes that derive the same files, one works and the other gets its record', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const spec = await registry().get('plain')
    const [a, b] = await Promise.all([optimize(spec, { cacheFolder }), optimize(spec, { cacheFolder })])
    expect(a.towers.vision.file).not.toBeNull()
    expect(b).toEqual(a)
    expect(readdirSync(path.join(cacheFolder, 'variants'))).toHaveLength(3)
  })

  it('drafts of a killed process and files of older versions are removed', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const spec = await registry().get('plain')
    const base = variantBase(cacheFolder, spec.revision, 'cpu')
    mkdirSync(path.dirname(base), { recursive: true })
    const stranger = 'another-model-1-cpu-vision.onnx'
    const older = path.join(path.dirname(base), `${spec.revision}-4.json`)
    for (const name of [`${base}-vision.onnx.1-0.draft`, `${base}.json.1-1.draft`, older])
      writeFileSync(name, 'left')
    writeFileSync(path.join(path.dirname(base), stranger), 'kept')
    // The lock of a process that is gone.
    writeFileSync(`${base}.lock`, '4194305')
    await optimize(spec, { cacheFolder })
    const file = (of: string) => `${path.basename(base)}${of}`
    expect(readdirSync(path.dirname(base)).sort()).toEqual(
      [stranger, file('-text.onnx'), file('-vision.onnx'), file('.json')].sort(),
    )
  })

  it('a record whose files are gone or cut off is ignored', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const spec = await registry().get('plain')
    await optimize(spec, { cacheFolder })
    const file = `${variantBase(cacheFolder, spec.revision, 'cpu')}-vision.onnx`
    expect(await readRecord(cacheFolder, spec.revision, 'cpu')).not.toBeNull()
    writeFileSync(file, readFileSync(file).subarray(0, 1000))
    expect(await readRecord(cacheFolder, spec.revision, 'cpu')).toBeNull()
    rmSync(file)
    expect(await readRecord(cacheFolder, spec.revision, 'cpu')).toBeNull()
    expect((await registry('int8').get('plain')).variants).toEqual([])
  })

  it('a folder that changes while the server runs is not read again', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const own = registry('int8', 'plain')
    const encoder = await encoderOf(own, cacheFolder)
    await encoder.encode([{ text: 'one' }])
    const { revision } = (await encoder.get()).card
    await optimize(await registry().get('plain'), { cacheFolder })
    rmSync(path.join(models, 'plain/config.json'))
    const taken = await encoder.takeUpVariants('plain')
    expect(taken).toMatchObject({ revision, variants: [{ name: 'int8' }] })
    expect((await encoder.encode([{ text: 'two' }]))[0]).toHaveProperty('vector')
    await encoder.close()
  })

  it('a folder that cannot be read is read again when it can', async () => {
    const { models, registry } = home()
    writeModel(models, 'plain')
    const own = registry('fp32', 'plain')
    const config = path.join(models, 'plain/config.json')
    const text = readFileSync(config)
    writeFileSync(config, '{')
    await expect(own.get()).rejects.toThrow('config.json')
    writeFileSync(config, text)
    expect((await own.get()).name).toBe('plain')
  })

  it('derived files of another vector space that do not load are an error, and no other vectors take their place', async () => {
    const { models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const spec = await registry().get('plain')
    const record = await optimize(spec, { cacheFolder })
    await writeRecord(cacheFolder, spec.revision, 'cpu', { ...record, sameSpace: false })
    const file = `${variantBase(cacheFolder, spec.revision, 'cpu')}-vision.onnx`
    writeFileSync(file, Buffer.alloc(readFileSync(file).length))
    const encoder = await encoderOf(registry('int8', 'plain'), cacheFolder)
    expect((await encoder.get()).card.revision).toBe(`${spec.revision}-int8`)
    await expect(encoder.encode([{ text: 'one' }])).rejects.toThrow('does not load')
    await encoder.close()
  })

  it('a graph with a batch of one written into it is derived and measured', async () => {
    const { models, cacheFolder, registry } = home()
    const file = writeModel(models, 'single')
    const g = new GraphBuilder(17)
    const flat = g.node('Reshape', ['pixel_values', g.integers([1, 192])])
    g.node('MatMul', [flat, g.floats(random(192 * 64, 5), [192, 64])], {}, 'image_embeds')
    writeFileSync(
      file,
      g.encode([{ name: 'pixel_values', shape: [1, 3, 8, 8] }], [{ name: 'image_embeds', shape: [1, 64] }]),
    )
    const record = await optimize(await registry().get('single'), { cacheFolder })
    // Its only product is in 8 bits and for the gate to judge.
    expect(record.towers.vision).toMatchObject({ rewritten: 1, kept: [] })
    expect(record.towers.vision.cosine!.worst).toBeGreaterThan(0.98)
  })
})

describe('choosing', () => {
  it('auto takes the towers that pass, and a chosen precision that does not pass has a revision of its own', async () => {
    const { cacheFolder, registry } = home()
    const spec = await registry().get()
    const record = await optimize(spec, { cacheFolder })
    const judged = (reasons: { vision: string | null; text: string | null }, sameSpace: boolean) =>
      writeRecord(cacheFolder, spec.revision, 'cpu', {
        ...record,
        sameSpace,
        towers: {
          vision: { ...record.towers.vision, reason: reasons.vision },
          text: { ...record.towers.text, reason: reasons.text },
        },
      })
    await judged({ vision: 'slow', text: null }, true)
    const auto = await registry('auto').get()
    expect(auto.variants[0]!.towers).toEqual(['text'])
    expect(auto.variants[0]!.files).toMatchObject({ vision: (spec.files as { vision: string }).vision })
    expect((await registry('int8').get()).variants[0]!.towers).toEqual(['vision', 'text'])
    expect((await registry('fp32').get()).variants).toEqual([])

    await judged({ vision: 'apart', text: 'apart' }, false)
    expect((await registry('auto').get()).variants).toEqual([])
    expect((await registry('int8').get()).revision).toBe(`${spec.revision}-int8`)
    // Where a GPU may come to serve, nobody can say which revision its vectors are of.
    const either = new ModelRegistry({
      bundledFolder: path.resolve('workers/models'),
      homeFolder: '',
      cacheFolder,
      defaultModel: 'limn-icons',
      variant: 'int8',
      providers: ['webgpu', 'cpu'],
    })
    expect(await either.get()).toMatchObject({ revision: spec.revision, variants: [] })
  })

  it('the server derives files of a model in use in the background and takes them up without a restart', async () => {
    const { folder, models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const own = registry('int8', 'plain')
    const encoder = new LocalEncoder({ registry: own, cacheFolder, provider: 'cpu' })
    const jobs = createVariantJobs({
      config: { home: folder, model: 'plain', precision: 'auto', variant: 'int8' },
      log: createLog('silent'),
      delayMs: 10,
      encoder,
    })
    try {
      await encoder.encode([{ text: 'one' }])
      const { card: spec } = await encoder.get()
      expect((await encoder.get()).precision).toBe('fp32')
      // Requests go on, whichever files serve.
      let count = 0
      while ((await encoder.get()).precision === 'fp32') {
        const [result] = await encoder.encode([{ text: `number ${count++}` }])
        expect(result).toHaveProperty('vector')
      }
      expect(readdirSync(path.dirname(variantBase(cacheFolder, spec.revision, 'cpu'))).length).toBe(3)
      for (let i = 0; i < 20; i++)
        expect((await encoder.encode([{ text: `later ${i}` }]))[0]).toHaveProperty('vector')
      expect(count).toBeGreaterThan(0)
    } finally {
      await jobs.close()
      await encoder.close()
    }
  })

  it('the server takes up files that another process has derived meanwhile', async () => {
    const { folder, models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    const spec = await registry('int8', 'plain').get()
    const record = await optimize(spec, { cacheFolder })
    const taken: string[] = []
    let loaded: LoadedListener | undefined
    const jobs = createVariantJobs({
      config: { home: folder, model: 'plain', precision: 'auto', variant: 'int8' },
      log: createLog('silent'),
      delayMs: 0,
      encoder: {
        onModelLoaded: (listener) => {
          loaded = listener
        },
        async takeUpVariants(name) {
          taken.push(name)
          return spec
        },
      },
    })
    loaded!(spec, 'cpu')
    await expect.poll(() => taken).toEqual(['plain'])
    await jobs.close()
    expect(await readRecord(cacheFolder, spec.revision, 'cpu')).toEqual(record)
  })

  it('the background work ends with the server', async () => {
    const { folder, models, cacheFolder, registry } = home()
    writeModel(models, 'plain')
    let loaded: LoadedListener | undefined
    const jobs = createVariantJobs({
      config: { home: folder, model: 'plain', precision: 'auto', variant: 'auto' },
      log: createLog('silent'),
      delayMs: 0,
      encoder: {
        onModelLoaded: (listener) => {
          loaded = listener
        },
        takeUpVariants: () => Promise.reject(new Error('nobody is there')),
      },
    })
    loaded!(await registry('auto', 'plain').get(), 'cpu')
    // One waits for the other.
    loaded!(await registry('auto').get('limn-icons'), 'cpu')
    const variants = path.join(cacheFolder, 'variants')
    await expect.poll(() => existsSync(variants), { timeout: 30_000 }).toBe(true)
    const begun = performance.now()
    await jobs.close()
    expect(performance.now() - begun).toBeLessThan(4000)
    expect(readdirSync(variants).filter((name) => name.includes('draft'))).toEqual([])
    expect(await readRecord(cacheFolder, (await registry().get('plain')).revision, 'cpu')).toBeNull()
  })
})
