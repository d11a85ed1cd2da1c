import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { GraphError } from '../../../workers/errors.ts'
import { deriveGradient, gradientUnsupportedReason } from '../../../workers/guidance/derive-gradient.ts'
import { gradientFile } from '../../../workers/guidance/gradient-file.ts'
import { lossInputs, promptLoss } from '../../../workers/guidance/loss.ts'
import { readModel, writeModel } from '../../../workers/onnx/file.ts'
import { GraphBuilder, type ValueInfo } from '../../../workers/onnx/writer.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { agreement } from '../../support/differences.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'limn-derive-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const image = { width: 4, height: 4 }
const pixels: ValueInfo = { name: 'pixel_values', shape: ['n', 3, 4, 4] }
const embeds: ValueInfo = { name: 'image_embeds', shape: ['n', 5] }

/** A linear encoder, with whatever comes between. */
function file(
  name: string,
  between: (g: GraphBuilder, x: string) => string,
  { opset = 17, input = pixels } = {},
): string {
  const g = new GraphBuilder(opset)
  const flat = g.node('Reshape', [between(g, input.name), g.integers([0, -1])])
  g.node(
    'MatMul',
    [
      flat,
      g.floats(
        Float32Array.from({ length: 240 }, (_, i) => Math.sin(i)),
        [48, 5],
      ),
    ],
    {},
    'image_embeds',
  )
  const at = path.join(folder, `${name}.onnx`)
  writeFileSync(at, g.encode([input], [embeds]))
  return at
}

describe('graphs without a gradient', () => {
  const nonsense = path.join(folder, 'nonsense.onnx')
  writeFileSync(nonsense, Buffer.from('this is no graph at all'))
  const cut = path.join(folder, 'cut.onnx')
  writeFileSync(cut, readFileSync(path.resolve('test/fixtures/encoders/clip.onnx')).subarray(0, 30_000))
  const outside = path.join(folder, 'outside.onnx')
  const lost = path.join(folder, 'lost.onnx')

  it.each([
    ['no ONNX content', () => nonsense, /not an ONNX file|holds no graph/],
    ['a cut-off file', () => cut, /not an ONNX file/],
    [
      'an operator without a rule',
      () =>
        file('det', (g, x) =>
          g.node('Mul', [x, g.node('Unsqueeze', [g.node('Det', [x]), g.integers([2, 3])])]),
        ),
      /No gradient rule for Det/,
    ],
    [
      'an operator set that is too old',
      () => file('old', (g, x) => g.node('Relu', [x]), { opset: 9 }),
      /operator set 9; gradients need 11/,
    ],
    [
      'reduced precision',
      () => file('half', (g, x) => g.node('Cast', [x], { to: 1 }), { input: { ...pixels, type: 'float16' } }),
      /need the fp32 file/,
    ],
    [
      'half precision inside',
      () =>
        file('inside', (g, x) =>
          g.node('Cast', [g.node('Relu', [g.node('Cast', [x], { to: 10 })])], { to: 1 }),
        ),
      /need the fp32 file/,
    ],
    [
      'no input for images',
      () => file('text', (_g, x) => x, { input: { name: 'ids', shape: ['n', 48] } }),
      /no input for images/,
    ],
  ])('a graph with %s is refused by a look at it and by deriving', async (_, make, message) => {
    expect(await gradientUnsupportedReason(make())).toMatch(message)
    await expect(deriveGradient(make(), image, 5)).rejects.toThrow(message)
  })

  it.each([
    ['LogSoftmax over several axes', 12, 'LogSoftmax', { axis: 1 }, /axis other than the last/],
    ['an equation with dots', 17, 'Einsum', { equation: '...ij->...ji' }, /equation/],
    [
      'MaxPool by columns',
      17,
      'MaxPool',
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], storage_order: 1 },
      /storage_order/,
    ],
    [
      'AveragePool with gaps',
      19,
      'AveragePool',
      { kernel_shape: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] },
      /dilations/,
    ],
  ])('a graph with %s is refused by deriving', async (name, opset, op, attributes, message) => {
    const made = file(name, (g, x) => g.node(op, [x], attributes), { opset })
    await expect(deriveGradient(made, image, 5)).rejects.toThrow(message)
    await expect(deriveGradient(made, image, 5)).rejects.toThrow(GraphError)
  })

  it('a graph is refused whose gradient would also flow through an input that its rule takes for a constant', async () => {
    const made = file('scaled', (g, x) =>
      g.node('LayerNormalization', [x, g.node('ReduceMean', [x], { axes: [0, 1, 2], keepdims: 0 })]),
    )
    await expect(deriveGradient(made, image, 5)).rejects.toThrow(
      /LayerNormalization .* input 1 that depends on the image has no gradient rule/,
    )
  })

  it('a graph for a fixed batch is refused, unless the batch is one image', async () => {
    const four = file('four', (g, x) => g.node('Relu', [x]), { input: { ...pixels, shape: [4, 3, 4, 4] } })
    await expect(deriveGradient(four, image, 5)).rejects.toThrow(/exactly 4 images/)
    const one = file('one', (g, x) => g.node('Relu', [x]), { input: { ...pixels, shape: [1, 3, 4, 4] } })
    expect((await deriveGradient(one, image, 5)).single).toBe(true)
  })

  it('weights in another file are read from the folder of the graph, and from nowhere else', async () => {
    const model = await readModel(path.resolve('test/fixtures/encoders/clip.onnx'))
    const tensor = model.graph!.initializer!.find(({ rawData }) => rawData!.length > 1000)!
    const external = (location: string) => ({
      ...tensor,
      rawData: undefined,
      dataLocation: 1,
      externalData: [{ key: 'location', value: location }],
    })
    const others = model.graph!.initializer!.filter((one) => one !== tensor)
    const write = (at: string, location: string) =>
      writeFileSync(
        at,
        writeModel({ ...model, graph: { ...model.graph!, initializer: [...others, external(location)] } }),
      )
    write(lost, 'weights.bin')
    await expect(deriveGradient(lost, { width: 32, height: 32 }, 16)).rejects.toThrow(
      /weights.bin.* is missing/,
    )
    write(outside, '../secret.bin')
    await expect(deriveGradient(outside, { width: 32, height: 32 }, 16)).rejects.toThrow(/has its data in/)
    writeFileSync(path.join(folder, 'weights.bin'), tensor.rawData!)
    const whole = await deriveGradient(lost, { width: 32, height: 32 }, 16)
    expect(whole.gradient).toBe('limn_gradient')
    rmSync(path.join(folder, 'weights.bin'))
  })
})

describe('derived files', () => {
  const spec = (revision: string, vision: string) =>
    ({ revision, dimensions: 5, image: image, files: { kind: 'separate', vision } }) as unknown as ModelSpec

  it('a derived file is made once for a revision', async () => {
    const vision = file('linear', (g, x) => g.node('Tanh', [x]))
    const made = await gradientFile(spec('r1', vision), folder)
    const { mtimeMs } = statSync(made.path)
    const again = await gradientFile(spec('r1', path.join(folder, 'gone.onnx')), folder)
    expect(again).toEqual(made)
    expect(statSync(again.path).mtimeMs).toBe(mtimeMs)
  })

  it.each<[string, (onnx: string, description: string) => void]>([
    ['cut', (onnx) => writeFileSync(onnx, readFileSync(onnx).subarray(0, 200))],
    ['another one of the same size', (onnx) => writeFileSync(onnx, readFileSync(onnx).fill(7, 100, 120))],
    ['removed', (onnx) => rmSync(onnx)],
    ['described by garbage', (_, description) => writeFileSync(description, '{"revision":')],
    ['described by null', (_, description) => writeFileSync(description, 'null')],
    [
      "described as another model's",
      (_, description) =>
        writeFileSync(description, readFileSync(description, 'utf8').replace('"damaged"', '"other"')),
    ],
  ])('a derived file that is %s is derived again', async (_name, damage) => {
    const vision = file('damaged', (g, x) => g.node('Tanh', [x]))
    const made = await gradientFile(spec('damaged', vision), folder)
    const whole = readFileSync(made.path)
    damage(made.path, made.path.replace(/onnx$/, 'json'))
    expect(await gradientFile(spec('damaged', vision), folder)).toEqual(made)
    expect(readFileSync(made.path).equals(whole)).toBe(true)
    // Found whole the next time.
    expect(await gradientFile(spec('damaged', path.join(folder, 'gone.onnx')), folder)).toEqual(made)
  })

  it('a new derived file replaces those that other versions made of its revision, and no others', async () => {
    const gradients = path.join(folder, 'gradients')
    const other = ['r2-0123456789ab.onnx', 'r2-0123456789ab.json']
    const kept = ['r2-int8-0123456789ab.onnx', 'r20-0123456789ab.onnx']
    rmSync(gradients, { recursive: true, force: true })
    mkdirSync(gradients)
    for (const name of [...other, ...kept]) writeFileSync(path.join(gradients, name), '')
    const made = await gradientFile(
      spec(
        'r2',
        file('replaces', (g, x) => g.node('Tanh', [x])),
      ),
      folder,
    )
    const names = readdirSync(gradients)
    expect(names).toEqual(expect.arrayContaining([...kept, path.basename(made.path)]))
    expect(names.filter((name) => other.includes(name))).toEqual([])
  })

  it('a derived file of a graph for both towers holds the vision tower alone', async () => {
    const g = new GraphBuilder()
    g.node(
      'MatMul',
      [
        g.node('Reshape', ['pixel_values', g.integers([0, -1])]),
        g.floats(new Float32Array(240).fill(0.1), [48, 5]),
      ],
      {},
      'image_embeds',
    )
    const table = g.floats(new Float32Array(50).fill(0.2), [10, 5])
    g.node(
      'ReduceSum',
      [g.node('Gather', [table, 'input_ids']), g.integers([1])],
      { keepdims: 0 },
      'text_embeds',
    )
    const at = path.join(folder, 'both.onnx')
    writeFileSync(
      at,
      g.encode(
        [{ name: 'input_ids', type: 'int64', shape: ['m', 'l'] }, pixels],
        [{ name: 'text_embeds', shape: ['m', 5] }, embeds],
      ),
    )
    const { model } = await deriveGradient(at, image, 5)
    expect(model.graph!.input!.map(({ name }) => name)).not.toContain('input_ids')
    expect(model.graph!.node!.some(({ output }) => output!.includes('text_embeds'))).toBe(false)
  })

  it.each(['COSINE', 'SPHERICAL'] as const)('the gradient of %s is that of promptLoss', async (kind) => {
    const { model, gradient } = await deriveGradient(
      file('smooth', (g, x) => g.node('Tanh', [x])),
      image,
      5,
    )
    const session = await ort.InferenceSession.create(writeModel(model))
    const x = Float32Array.from({ length: 48 }, (_, i) => Math.cos(i * 1.7))
    const unit = (v: number[]) => v.map((one) => one / Math.hypot(...v))
    const targets = [unit([1, 2, -1, 0.5, 0.3]), unit([-1, 0.2, 1, 2, 0.1])]
    const weights = [0.8, -0.3]
    const run = (data: Float32Array) =>
      session.run({
        pixel_values: new ort.Tensor('float32', data, [1, 3, 4, 4]),
        [lossInputs.targets]: new ort.Tensor('float32', Float32Array.from(targets.flat()), [1, 2, 5]),
        [lossInputs.weights]: new ort.Tensor('float32', Float32Array.from(weights), [1, 2]),
        [lossInputs.spherical]: new ort.Tensor('float32', Float32Array.of(+(kind === 'SPHERICAL')), [1, 1]),
      })
    const loss = async (data: Float32Array) => {
      const y = unit(Array.from((await run(data)).image_embeds!.data as Float32Array))
      return targets.reduce(
        (sum, t, p) =>
          sum +
          weights[p]! *
            promptLoss(
              kind,
              t.reduce((s, v, i) => s + v * y[i]!, 0),
            ),
        0,
      )
    }
    const analytic = Array.from((await run(x))[gradient]!.data as Float32Array)
    const differences: number[] = []
    for (let i = 0; i < 48; i++) {
      const at = (h: number) => loss(x.with(i, x[i]! + h))
      differences.push(((await at(0.01)) - (await at(-0.01))) / 0.02)
    }
    expect(agreement(analytic, differences).error).toBeLessThan(2e-3)
    await session.release()
  })
})
