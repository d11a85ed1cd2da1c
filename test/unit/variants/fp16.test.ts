/** Graphs in half precision against the same graphs in float, in ONNX Runtime on the CPU. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { readModel, writeModel } from '../../../workers/onnx/file.ts'
import type { ModelProto } from '../../../workers/onnx/proto/schema.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { uniform } from '../../../workers/random.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { toFp16 } from '../../../workers/variants/rewrite/fp16.ts'
import { prepare } from '../../../workers/variants/rewrite/prepare.ts'
import { agreement } from '../../support/differences.ts'

const random = (count: number, seed: number) => {
  const next = uniform(seed)
  return Float32Array.from({ length: count }, () => next() + next() + next() - 1.5)
}

async function run(model: ModelProto, feeds: Record<string, ort.Tensor>) {
  const session = await ort.InferenceSession.create(writeModel(model), { logSeverityLevel: 4 })
  const results = await session.run(feeds)
  const tensor = results[session.outputNames[0]!]!
  await session.release()
  return tensor
}

const width = 16
const dims = [2, 5, width]
const feeds = { x: new ort.Tensor('float32', random(160, 9), dims) }

function modelOf(build: (g: GraphBuilder) => string): ModelProto {
  const g = new GraphBuilder()
  const product = g.node('MatMul', ['x', g.floats(random(width * width, 3), [width, width])])
  g.node('Add', [product, build(g)], {}, 'y')
  const model = g.model([{ name: 'x', shape: ['n', 't', width] }], [{ name: 'y', shape: [] }])
  delete model.graph!.output![0]!.type!.tensorType!.shape
  return model
}

/** Normalisation as exporters take it apart, of values whose squares half precision cannot hold. */
function normalised(g: GraphBuilder): string {
  const large = g.node('Mul', ['x', g.scalar(2000)])
  const apart = g.node('Sub', [large, g.mean(large, [-1], true)])
  const variance = g.mean(g.node('Pow', [apart, g.scalar(2)]), [-1], true)
  return g.node('Div', [apart, g.node('Sqrt', [g.node('Add', [variance, g.scalar(1e-12)])])])
}

const cases: [string, (g: GraphBuilder) => string][] = [
  ['a normalisation taken apart', normalised],
  ['a constant node', (g) => g.node('Constant', [], { value_float: 0.3 })],
  [
    'several constants',
    (g) => g.node('Constant', [], { value_floats: { floats: random(width, 4) as never } }),
  ],
  [
    'a mask that is filled with the least number there is',
    (g) => {
      const cut = g.node('Greater', ['x', g.scalar(0.2)])
      return g.node('Softmax', [g.node('Where', [cut, g.scalar(-3.4e38), 'x'])], { axis: -1 })
    },
  ],
  [
    'a mask from numbers that are none of floats',
    (g) => {
      const size = g.node('Gather', [g.shapeOf('x'), g.integers([1])])
      const places = g.node('Range', [
        g.scalar(0),
        g.node('Squeeze', [g.node('Cast', [size], { to: 1 })]),
        g.scalar(1),
      ])
      return g.node('Mul', [g.unsqueeze(places, [1]), g.scalar(0.01)])
    },
  ],
  [
    'a cast to float and back',
    (g) => g.node('Cast', [g.node('Cast', [g.node('Mul', ['x', g.scalar(3)])], { to: 7 })], { to: 1 }),
  ],
  [
    'a resize, whose scales stay in float',
    (g) => {
      const plane = g.unsqueeze('x', [0])
      const scales = g.floats([1, 1, 2, 1], [4])
      const twice = g.node('Resize', [plane, '', scales], {
        mode: 'linear',
        coordinate_transformation_mode: 'half_pixel',
      })
      return g.node('Squeeze', [g.slice(twice, 2, 0, 5), g.integers([0])])
    },
  ],
  [
    'the largest of several, and where they were',
    (g) => {
      const [values, places] = g.nodes('TopK', ['x', g.integers([width])], ['best', 'where'], { axis: -1 })
      const back = g.node('GatherElements', [values!, places!], { axis: -1 })
      return g.node('Mul', [back, g.scalar(0.1)])
    },
  ],
  [
    'parts of one',
    (g) => {
      const parts = g.nodes('Split', ['x', g.integers([4, 12])], ['a', 'b'], { axis: -1 })
      return g.node('Concat', parts.toReversed(), { axis: -1 })
    },
  ],
  [
    'a filled tensor of a shape found on the way',
    (g) => g.node('Mul', [g.node('ConstantOfShape', [g.shapeOf('x')]), 'x']),
  ],
]

describe('graphs in half precision', () => {
  it.each(cases)('%s in half precision agrees with float', async (_, build) => {
    const [float, half] = [modelOf(build), modelOf(build)]
    expect(toFp16(half)).toBe(1)
    const [a, b] = [await run(float, feeds), await run(half, feeds)]
    expect(b.type).toBe('float32')
    const { cosine, error } = agreement(b.data as Float32Array, a.data as Float32Array)
    expect(cosine).toBeGreaterThan(0.9999)
    expect(error).toBeLessThan(0.01)
    // It is another computation, not the same one again.
    expect(error).toBeGreaterThan(1e-6)
  })

  it('weights take half the room, and those of operators in float keep theirs', () => {
    const half = modelOf(normalised)
    toFp16(half)
    const constants = half.graph!.initializer!.filter(({ dataType }) => dataType !== 7)
    const big = constants.find(({ dims }) => dims!.length === 2)!
    expect([big.dataType, big.rawData!.length]).toEqual([10, 2 * width * width])
    expect(constants.filter(({ dataType }) => dataType === 1).map(({ dims }) => dims)).toEqual([[], []])
  })

  it('a graph within the graph is refused', () => {
    const model = modelOf(() => 'x')
    const g = new GraphBuilder()
    g.node('Identity', ['x'], {}, 'inner')
    model.graph!.node!.push({
      opType: 'If',
      input: ['x'],
      output: ['z'],
      attribute: [{ name: 'then_branch', type: 5, g: g.graph }],
    })
    expect(() => toFp16(model)).toThrow('The graph holds graphs of its own (If)')
  })
})

const folder = path.resolve('test/fixtures/encoders')

describe('encoders as exporters write them', () => {
  it.each(globSync('*.onnx', { cwd: folder }).sort())(
    '%s in half precision agrees with the exported file',
    async (family) => {
      const vision = path.join(folder, family)
      const files = { kind: 'separate', vision, text: '', precision: 'fp32' }
      const spec = { files, image: { width: 32, height: 32 } } as ModelSpec
      const float = await readModel(vision)
      const half = await prepare(spec, 'vision', 'webgpu')
      if (half.graph!.node!.some(({ opType }) => opType === 'If'))
        return expect(() => toFp16(half)).toThrow('which are not rewritten')
      expect(toFp16(half)).toBeGreaterThan(0)
      const bytes = readFileSync(vision.replace('.onnx', '.f32'))
      const pixels = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * 2 * 3 * 32 * 32),
      )
      const input = { [half.graph!.input![0]!.name!]: new ort.Tensor('float32', pixels, [2, 3, 32, 32]) }
      const [a, b] = [await run(float, input), await run(half, input)]
      expect(agreement(b.data as Float32Array, a.data as Float32Array).cosine).toBeGreaterThan(0.9995)
    },
  )
})
