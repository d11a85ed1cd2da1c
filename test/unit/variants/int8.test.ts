/** Products in 8 bits against the same products in float, in ONNX Runtime. */

import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../workers/onnx/attributes.ts'
import { readModel, writeModel } from '../../../workers/onnx/file.ts'
import { prune } from '../../../workers/onnx/prune.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { uniform } from '../../../workers/random.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { quantize } from '../../../workers/variants/rewrite/int8.ts'
import { quantizeTables } from '../../../workers/variants/rewrite/int8-tables.ts'
import { patchesAsProducts } from '../../../workers/variants/rewrite/patches.ts'
import { prepare } from '../../../workers/variants/rewrite/prepare.ts'
import { products } from '../../../workers/variants/rewrite/products.ts'
import { agreement } from '../../support/differences.ts'

const random = (count: number, seed: number) => {
  const next = uniform(seed)
  return Float32Array.from({ length: count }, () => next() + next() + next() - 1.5)
}
const [k, n] = [96, 80]
const matrix = (g: GraphBuilder, dims = [k, n]) => g.floats(random(k * n, 3), dims)

function modelOf(build: (g: GraphBuilder) => string) {
  const g = new GraphBuilder()
  g.node('Identity', [build(g)], {}, 'y')
  const model = g.model([{ name: 'x', shape: ['rows', 'tokens', k] }], [{ name: 'y', shape: [] }])
  delete model.graph!.output![0]!.type!.tensorType!.shape
  return model
}
async function run(model: object, x: Float32Array, dims: number[]): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 4 })
  const { y } = await session.run({ x: new ort.Tensor('float32', x, dims) })
  await session.release()
  return y!.data as Float32Array
}
const types = (model: { graph?: { node?: { opType?: string | null }[] | null } | null }) =>
  model.graph!.node!.map(({ opType }) => opType)

/** What rounds the rows, and the product of what was rounded. */
const rounding = ['Abs', 'ReduceMax', 'Reciprocal', 'Mul', 'QuantizeLinear']
const product = ['MatMulIntegerToFloat', 'Mul']

describe('products with constant matrices in 8 bits', () => {
  it.each<[string, (g: GraphBuilder) => string, string[]]>([
    ['MatMul', (g) => g.node('MatMul', ['x', matrix(g)]), [...rounding, ...product, 'Identity']],
    [
      'MatMul and a bias',
      (g) => g.node('Add', [g.node('MatMul', ['x', matrix(g)]), g.floats(random(n, 4), [n])]),
      [...rounding, ...product, 'Add', 'Identity'],
    ],
    [
      'two products of the same rows, which are rounded once,',
      (g) => g.add(g.matmul('x', matrix(g)), g.matmul('x', g.floats(random(k * n, 5), [k, n]))),
      [...rounding, ...product, ...product, 'Add', 'Identity'],
    ],
    [
      'a matrix that is turned in the graph',
      (g) => g.node('MatMul', ['x', g.node('Transpose', [matrix(g, [n, k])], { perm: [1, 0] })]),
      [...rounding, ...product, 'Identity'],
    ],
    [
      'Gemm, turned, with a bias',
      (g) => {
        const flat = g.node('Reshape', ['x', g.integers([-1, k])])
        return g.node('Gemm', [flat, matrix(g, [n, k]), g.floats(random(n, 4), [n])], { transB: 1 })
      },
      ['Reshape', ...rounding, ...product, 'Add', 'Identity'],
    ],
    [
      'Gemm and a bias of one number',
      (g) => g.node('Gemm', [g.node('Reshape', ['x', g.integers([-1, k])]), matrix(g), g.floats([0.5], [1])]),
      ['Reshape', ...rounding, ...product, 'Add', 'Identity'],
    ],
  ])('%s: quantize agrees with the product in float', async (_, build, expected) => {
    const [float, eight] = [modelOf(build), modelOf(build)]
    expect(quantize(eight, () => true)).toBe(expected.filter((type) => type === product[0]).length)
    prune(eight.graph!, ['y'])
    expect(types(eight)).toEqual(expected)
    const dims = [3, 7, k]
    const x = random(3 * 7 * k, 9)
    const [a, b] = [await run(float, x, dims), await run(eight, x, dims)]
    const { cosine, error } = agreement(b, a)
    expect(cosine).toBeGreaterThan(0.9995)
    expect(error).toBeLessThan(0.03)
    // It is another computation, not the same one again.
    expect(error).toBeGreaterThan(1e-5)
  })

  it('columns of very different size keep their digits', async () => {
    const weights = random(k * n, 3).map((v, i) => v * 10 ** ((i % n) / 20 - 2))
    const build = (g: GraphBuilder) => g.node('MatMul', ['x', g.floats(weights, [k, n])])
    const [float, eight] = [modelOf(build), modelOf(build)]
    quantize(eight, () => true)
    const x = random(5 * k, 2)
    const [a, b] = [await run(float, x, [1, 5, k]), await run(eight, x, [1, 5, k])]
    for (let j = 0; j < n; j += 13) {
      const column = (of: Float32Array) => [0, 1, 2, 3, 4].map((row) => of[row * n + j]!)
      expect(agreement(column(b), column(a)).cosine).toBeGreaterThan(0.999)
    }
  })

  it('a row has the same digits alone and in a batch with rows of any size', async () => {
    const eight = modelOf((g) => g.node('MatMul', ['x', matrix(g)]))
    quantize(eight, () => true)
    const x = random(6 * k, 2).map((v, i) => v * 10 ** (Math.floor(i / k) * 3 - 9))
    const batch = await run(eight, x, [2, 3, k])
    for (let row = 0; row < 6; row++) {
      const alone = await run(eight, x.slice(row * k, row * k + k), [1, 1, k])
      expect(alone).toEqual(batch.slice(row * n, row * n + n))
    }
  })

  it('a row of zeros gives zeros', async () => {
    const eight = modelOf((g) => g.node('MatMul', ['x', matrix(g)]))
    quantize(eight, () => true)
    const x = random(2 * k, 2).fill(0, 0, k)
    const y = await run(eight, x, [1, 2, k])
    expect(y.slice(0, n).every((v) => v === 0)).toBe(true)
    expect(y.slice(n).some((v) => v !== 0)).toBe(true)
  })

  it.each<[string, (g: GraphBuilder) => string]>([
    ['a small matrix', (g) => g.node('MatMul', ['x', g.floats(random(k * 8, 3), [k, 8])])],
    ['two activations', (g) => g.node('MatMul', ['x', g.node('Transpose', ['x'], { perm: [0, 2, 1] })])],
    ['many matrices', (g) => g.node('MatMul', ['x', g.floats(random(3 * k * n, 3), [3, k, n])])],
  ])('%s stays as it is', (_, build) => {
    const model = modelOf(build)
    const before = types(model)
    expect(products(model.graph!)).toEqual([])
    expect(quantize(model, () => true)).toBe(0)
    expect(types(model)).toEqual(before)
  })

  it('products that are not wanted stay in float', () => {
    const model = modelOf((g) =>
      g.node('MatMul', [g.node('MatMul', ['x', matrix(g, [k, n])]), g.floats(random(n * k, 5), [n, k])]),
    )
    const [first] = products(model.graph!)
    expect(quantize(model, (name) => name !== first!.name)).toBe(1)
    expect(types(model)).toEqual(['MatMul', ...rounding, ...product, 'Identity'])
  })
})

describe('tables of words in 8 bits', () => {
  const words = (rows: number) => {
    const g = new GraphBuilder()
    const table = random(rows * 32, 6).map((v, i) => v * 10 ** ((i >> 5) % 4))
    g.node('Gather', [g.floats(table, [rows, 32]), 'ids'], { axis: 0 }, 'y')
    const model = g.model(
      [{ name: 'ids', type: 'int64', shape: ['n', 'length'] }],
      [{ name: 'y', shape: [] }],
    )
    delete model.graph!.output![0]!.type!.tensorType!.shape
    return { model, table }
  }
  it('quantizeTables gives each row to half a step of its own scale', async () => {
    const { model, table } = words(1200)
    expect(quantizeTables(model.graph!)).toBe(1)
    prune(model.graph!, ['y'])
    const session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 4 })
    const ids = [0, 1, 2, 3, 1199, 700]
    const { y } = await session.run({ ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [2, 3]) })
    expect(y!.dims).toEqual([2, 3, 32])
    for (const [i, id] of ids.entries()) {
      const row = table.subarray(id * 32, id * 32 + 32)
      const step = Math.max(...row.map(Math.abs)) / 127
      const off = row.map((v, k) => Math.abs(v - (y!.data as Float32Array)[i * 32 + k]!))
      expect(Math.max(...off)).toBeLessThan(0.51 * step)
    }
    await session.release()
  })
  it('quantizeTables leaves small tables as they are', () =>
    expect(quantizeTables(words(77).model.graph!)).toBe(0))
})

describe('patch embeddings as products', () => {
  const [size, channels, width] = [12, 3, 20]
  const convolution = (attributes: Attributes, [high, wide] = [4, 6], bias = true) => {
    const g = new GraphBuilder()
    const weights = g.floats(random(width * channels * high * wide, 3), [width, channels, high, wide])
    const inputs = ['x', weights, ...(bias ? [g.floats(random(width, 4), [width])] : [])]
    g.node('Conv', inputs, { kernel_shape: [high, wide], ...attributes }, 'y')
    const model = g.model([{ name: 'x', shape: ['n', channels, size, size] }], [{ name: 'y', shape: [] }])
    delete model.graph!.output![0]!.type!.tensorType!.shape
    return { g, model }
  }
  const shapesOf = (rows: number, columns: number) =>
    new Map([
      ['x', [2, channels, size, size]],
      ['y', [2, width, rows, columns]],
    ])

  it.each([
    ['with a bias', true],
    ['without', false],
  ])('a patch embedding %s gives the values of the convolution', async (_, bias) => {
    const { model: before } = convolution({ strides: [4, 6] }, [4, 6], bias)
    const { g, model: after } = convolution({ strides: [4, 6] }, [4, 6], bias)
    patchesAsProducts(g, shapesOf(3, 2))
    expect(types(after)).not.toContain('Conv')
    expect(types(after)).toContain('MatMul')
    for (const rows of [1, 3]) {
      const x = random(rows * channels * size * size, 8)
      const dims = [rows, channels, size, size]
      const [a, b] = [await run(before, x, dims), await run(after, x, dims)]
      expect(agreement(b, a).error).toBeLessThan(1e-5)
    }
  })

  it.each<[string, Attributes]>([
    ['windows that overlap', { strides: [2, 3] }],
    ['windows with a rim', { strides: [4, 6], pads: [0, 0, 4, 0] }],
    ['windows with gaps', { strides: [4, 6], dilations: [1, 2] }],
  ])('%s stay a convolution', (_, attributes) => {
    const { g, model } = convolution(attributes)
    patchesAsProducts(g, shapesOf(3, 2))
    expect(types(model)).toEqual(['Conv'])
  })
})

const folder = path.resolve('test/fixtures/encoders')
const spec = (vision: string) =>
  ({
    files: { kind: 'separate', vision, text: '', precision: 'fp32' },
    image: { width: 32, height: 32 },
  }) as ModelSpec
describe('encoders as exporters write them', () => {
  it.each(globSync('*.onnx', { cwd: folder }).sort())(
    '%s in 8 bits agrees with the exported file',
    async (family) => {
      const float = await readModel(path.join(folder, family))
      const eight = await prepare(spec(path.join(folder, family)), 'vision', 'cpu')
      const found = products(eight.graph!).length
      expect(quantize(eight as typeof float, () => true)).toBe(found)
      const bytes = readFileSync(path.join(folder, family.replace('.onnx', '.f32')))
      const pixels = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * 2 * 3 * 32 * 32),
      )
      const embed = async (model: object) => {
        const session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 4 })
        const vectors = async (images: Float32Array, count: number) => {
          const feeds = { [session.inputNames[0]!]: new ort.Tensor('float32', images, [count, 3, 32, 32]) }
          return (await session.run(feeds))[session.outputNames[0]!]!.data as Float32Array
        }
        const both = await vectors(pixels, 2)
        const first = await vectors(pixels.slice(0, pixels.length / 2), 1)
        await session.release()
        return { both, first }
      }
      const { both, first } = await embed(eight)
      expect(agreement(both, (await embed(float)).both).cosine).toBeGreaterThan(0.99)
      // The convolutions in float differ in their last bits.
      expect(Math.max(...first.map((v, i) => Math.abs(v - both[i]!)))).toBeLessThan(1e-6)
    },
  )
})
