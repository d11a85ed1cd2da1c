/** Every rule of workers/autodiff/rules against central differences. */
import { describe, expect, it } from 'vitest'
import { differentiable } from '../../../workers/autodiff/rules/index.ts'
import type { Attributes } from '../../../workers/onnx/attributes.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { uniform } from '../../../workers/random.ts'
import { compareWithDifferences } from '../../support/differences.ts'

interface Case {
  op: string
  label?: string
  /** Shapes of the inputs that are differentiated. */
  shapes: number[][]
  /** Values lie between, away from where the function has a corner or an end. */
  range?: [number, number]
  attributes?: Attributes
  /** Further inputs: constants. */
  constants?: (g: GraphBuilder) => string[]
  /** Which inputs come as constants in which places: default differentiated first, then constants. */
  order?: (differentiated: string[], constants: string[]) => string[]
  opset?: number
  outputs?: number
  /** Values that are all apart, so that no difference step swaps them. */
  distinct?: boolean
  /** The function is constant there. */
  flat?: boolean
}

const unary = (op: string, range: [number, number] = [-2, 2], attributes: Attributes = {}): Case => ({
  op,
  shapes: [[2, 3, 4]],
  range,
  attributes,
})
const binary = (op: string, range: [number, number] = [-2, 2]): Case[] => [
  {
    op,
    shapes: [
      [2, 3, 4],
      [2, 3, 4],
    ],
    range,
  },
  {
    op,
    label: 'broadcast',
    shapes: [
      [2, 3, 4],
      [3, 1],
    ],
    range,
  },
  { op, label: 'broadcast the first', shapes: [[4], [2, 3, 4]], range },
]
const weights = (count: number, dims: number[]) => (g: GraphBuilder) => {
  const next = uniform(5)
  return [
    g.floats(
      Float32Array.from({ length: count }, () => next() - 0.5),
      dims,
    ),
  ]
}
const ints =
  (...lists: number[][]) =>
  (g: GraphBuilder) =>
    lists.map((list) => g.integers(list))
const conv = (label: string, x: number[], w: number[], attributes: Attributes = {}): Case => ({
  op: 'Conv',
  label,
  shapes: [x],
  constants: weights(
    w.reduce((a, b) => a * b),
    w,
  ),
  attributes,
})
const pool = (op: string, label: string, attributes: Attributes, x = [2, 3, 6, 6]): Case => ({
  op,
  label,
  shapes: [x],
  attributes,
  distinct: true,
})

const reductions = [
  'ReduceSum',
  'ReduceMean',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMin',
]

const cases: Case[] = [
  ...['Identity', 'Dropout', 'Neg', 'Exp', 'Sin', 'Cos', 'Atan', 'Erf', 'Tanh', 'Sigmoid', 'Softplus'].map(
    (op) => unary(op),
  ),
  ...['Abs', 'Relu', 'Elu', 'LeakyRelu'].flatMap((op) => [
    unary(op, [0.2, 2]),
    { ...unary(op, [-2, -0.2]), label: 'negative', flat: op === 'Relu' },
  ]),
  ...['Log', 'Sqrt', 'Reciprocal'].map((op) => unary(op, [0.5, 2])),
  ...['Asin', 'Acos'].map((op) => unary(op, [-0.8, 0.8])),
  unary('HardSigmoid', [-1.5, 1.5]),
  unary('HardSwish', [-2.5, 2.5]),
  unary('HardSwish', [3.2, 5]),
  { ...unary('Gelu'), opset: 20 },
  { ...unary('Gelu', [-2, 2], { approximate: 'tanh' }), label: 'tanh', opset: 20 },
  unary('com.microsoft:Gelu'),
  unary('com.microsoft:QuickGelu', [-2, 2], { alpha: 1.702 }),
  { ...unary('Cast', [-2, 2], { to: 1 }) },
  { op: 'Clip', shapes: [[2, 3]], range: [-0.9, 0.9], constants: (g) => [g.scalar(-1), g.scalar(1)] },
  {
    op: 'Clip',
    label: 'outside',
    flat: true,
    shapes: [[2, 3]],
    range: [1.1, 2],
    constants: (g) => [g.scalar(-1), g.scalar(1)],
  },
  ...binary('Add'),
  ...binary('Sub'),
  ...binary('Mul'),
  ...binary('Div', [0.5, 2]),
  ...binary('Pow', [0.5, 2]),
  { op: 'Pow', label: 'integer exponent', shapes: [[2, 3]], constants: (g) => [g.integers([3], [])] },
  { op: 'Sum', shapes: [[2, 3], [3], [2, 1]] },
  { op: 'Mean', shapes: [[2, 3], [3], [2, 1]] },
  {
    op: 'Min',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    distinct: true,
  },
  {
    op: 'Max',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    distinct: true,
  },
  {
    op: 'Where',
    shapes: [[2, 3], [3]],
    constants: (g) => [g.node('Greater', [g.floats([1, -1, 1, -1, -1, 1], [2, 3]), g.scalar(0)])],
    order: ([a, b], [c]) => [c!, a!, b!],
  },
  {
    op: 'MatMul',
    shapes: [
      [2, 3, 4],
      [2, 4, 5],
    ],
  },
  {
    op: 'MatMul',
    label: 'one matrix for all',
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
  },
  {
    op: 'MatMul',
    label: 'batches broadcast',
    shapes: [
      [2, 1, 3, 4],
      [3, 4, 5],
    ],
  },
  ...[0, 1].flatMap((transA) =>
    [0, 1].map(
      (transB): Case => ({
        op: 'Gemm',
        label: `transA ${transA}, transB ${transB}`,
        shapes: [transA ? [4, 2] : [2, 4], transB ? [3, 4] : [4, 3], [3]],
        attributes: { transA, transB, alpha: 0.7, beta: 1.3 },
      }),
    ),
  ),
  {
    op: 'Einsum',
    shapes: [
      [2, 3, 4],
      [5, 4],
    ],
    attributes: { equation: 'bij,kj->bki' },
  },
  { op: 'Softmax', shapes: [[2, 3, 5]], attributes: { axis: -1 } },
  { op: 'Softmax', label: 'a middle axis', shapes: [[2, 3, 5]], attributes: { axis: 1 } },
  { op: 'Softmax', label: 'operator set 11', shapes: [[2, 3, 5]], attributes: { axis: 2 }, opset: 11 },
  { op: 'LogSoftmax', shapes: [[2, 3, 5]], attributes: { axis: -1 } },
  {
    op: 'LayerNormalization',
    shapes: [[2, 3, 8]],
    constants: (g) => [...weights(8, [8])(g), ...weights(8, [8])(g)],
    attributes: { axis: -1, epsilon: 1e-5 },
  },
  {
    op: 'LayerNormalization',
    label: 'over two axes, without bias',
    shapes: [[2, 3, 4]],
    constants: weights(12, [3, 4]),
    attributes: { axis: 1 },
  },
  {
    op: 'BatchNormalization',
    shapes: [[2, 3, 2, 2]],
    constants: (g) => [
      g.floats([1, -2, 0.5], [3]),
      g.floats([0, 1, 2], [3]),
      g.floats([0.1, 0.2, 0.3], [3]),
      g.floats([1, 2, 0.5], [3]),
    ],
  },
  { op: 'LpNormalization', shapes: [[2, 3, 5]], attributes: { axis: -1, p: 2 } },
  ...reductions.flatMap((op): Case[] => {
    const one = { op, shapes: [[2, 3, 4]], range: [0.2, 2] as [number, number], distinct: true }
    const axes = (list: number[]) =>
      op === 'ReduceSum' ? { constants: ints(list) } : { attributes: { axes: list } }
    const last = axes([-1])
    const two = axes([1, 2])
    return [
      { ...one, ...last, label: 'kept' },
      {
        ...one,
        ...two,
        label: 'two axes, dropped',
        attributes: { ...(two as Case).attributes, keepdims: 0 },
      },
    ]
  }),
  { op: 'ReduceMean', label: 'operator set 18', shapes: [[2, 3, 4]], constants: ints([1]), opset: 18 },
  {
    op: 'ReduceSum',
    label: 'operator set 11',
    shapes: [[2, 3, 4]],
    attributes: { axes: [1], keepdims: 0 },
    opset: 11,
  },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map(
      (reverse): Case => ({
        op: 'CumSum',
        label: `exclusive ${exclusive}, reverse ${reverse}`,
        shapes: [[2, 5]],
        constants: (g) => [g.integers([1], [])],
        attributes: { exclusive, reverse },
      }),
    ),
  ),
  { op: 'Reshape', shapes: [[2, 3, 4]], constants: ints([0, -1]) },
  { op: 'Flatten', shapes: [[2, 3, 4]], attributes: { axis: 1 } },
  { op: 'Squeeze', shapes: [[2, 1, 4]], constants: ints([1]) },
  { op: 'Unsqueeze', shapes: [[2, 4]], constants: ints([1]) },
  { op: 'Expand', shapes: [[2, 1, 4]], constants: ints([3, 2, 5, 4]) },
  { op: 'Transpose', shapes: [[2, 3, 4]], attributes: { perm: [2, 0, 1] } },
  { op: 'Transpose', label: 'without perm', shapes: [[2, 3, 4]] },
  {
    op: 'Concat',
    shapes: [
      [2, 1, 4],
      [2, 3, 4],
    ],
    attributes: { axis: 1 },
  },
  {
    op: 'Concat',
    label: 'counted from the end',
    shapes: [
      [2, 3],
      [2, 4],
    ],
    attributes: { axis: -1 },
  },
  { op: 'Split', shapes: [[2, 6]], constants: ints([2, 4]), attributes: { axis: 1 }, outputs: 2 },
  { op: 'Slice', shapes: [[2, 5, 4]], constants: ints([1, 0], [-1, 2], [1, 2]) },
  { op: 'Slice', label: 'steps', shapes: [[2, 5]], constants: ints([4], [-9], [1], [-2]) },
  { op: 'Pad', shapes: [[2, 3]], constants: ints([0, 1, 0, 2]) },
  {
    op: 'Gather',
    label: 'one, its axis dropped',
    shapes: [[2, 3, 4]],
    constants: (g) => [g.integers([-1], [])],
    attributes: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'one, its axis kept',
    shapes: [[2, 3, 4]],
    constants: ints([1]),
    attributes: { axis: 1 },
  },
  {
    op: 'Gather',
    label: 'several, one twice',
    shapes: [[2, 3, 4]],
    constants: ints([0, 2, 2]),
    attributes: { axis: 1 },
  },
  conv('patches', [2, 3, 8, 8], [5, 3, 4, 4], { strides: [4, 4] }),
  conv('same size', [2, 3, 5, 5], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }),
  conv('stride 2 with a remainder', [2, 3, 6, 6], [4, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  conv('depthwise', [2, 4, 5, 5], [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  conv('groups, dilated', [2, 4, 7, 7], [6, 2, 3, 3], { group: 2, dilations: [2, 2] }),
  conv('wide pads', [2, 2, 4, 4], [3, 2, 1, 1], { pads: [1, 1, 1, 1] }),
  conv('SAME_UPPER', [2, 2, 5, 5], [3, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  conv('one dimension', [2, 2, 7], [3, 2, 3], { pads: [1, 0] }),
  {
    op: 'ConvTranspose',
    shapes: [[2, 3, 4, 4]],
    constants: weights(3 * 2 * 9, [3, 2, 3, 3]),
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
  },
  { op: 'GlobalAveragePool', shapes: [[2, 3, 4, 4]] },
  { op: 'GlobalMaxPool', shapes: [[2, 3, 4, 4]], distinct: true },
  pool('AveragePool', 'tiles', { kernel_shape: [2, 2], strides: [2, 2] }),
  pool('AveragePool', 'overlapping, padded', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  pool('AveragePool', 'padding counted', {
    kernel_shape: [3, 3],
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    count_include_pad: 1,
  }),
  pool('MaxPool', 'tiles', { kernel_shape: [2, 2], strides: [2, 2] }),
  pool('MaxPool', 'overlapping', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
]

/** Numbers within the range; distinct ones are a shuffled ladder. */
function values(count: number, [low, high]: [number, number], distinct: boolean, seed: number): Float32Array {
  const next = uniform(seed)
  if (!distinct) return Float32Array.from({ length: count }, () => low + (high - low) * next())
  const ladder = Float32Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[ladder[i], ladder[j]] = [ladder[j]!, ladder[i]!]
  }
  return ladder
}

describe('gradient rules', () => {
  it.each(cases.map((c) => [`${c.op}${c.label ? `, ${c.label}` : ''}`, c] as const))(
    'the gradient of %s agrees with central differences',
    async (_, c) => {
      const g = new GraphBuilder(c.opset ?? 17)
      const names = c.shapes.map((_, i) => `x${i}`)
      const constants = c.constants?.(g) ?? []
      const operands = c.order?.(names, constants) ?? [...names, ...constants]
      const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`)
      g.nodes(c.op, operands, outputs, c.attributes)
      // Of several outputs the last is used, so that a missing gradient must count as zero.
      const y = outputs.at(-1)!
      const model = g.model(
        c.shapes.map((shape, i) => ({ name: names[i]!, shape })),
        [{ name: y, shape: [] }],
      )
      delete model.graph!.output![0]!.type!.tensorType!.shape
      const shared = c.distinct && c.shapes.length > 1
      const inputs = Object.fromEntries(
        c.shapes.map((dims, i) => {
          const count = dims.reduce((a, b) => a * b, 1)
          const data = values(count, c.range ?? [-2, 2], Boolean(c.distinct), 3 + i)
          return [names[i]!, { dims, data: shared ? data.map((v) => v + 0.11 * i) : data }]
        }),
      )
      const compared = await compareWithDifferences({ model, inputs, output: y })
      for (const [name, { error, gradient }] of Object.entries(compared)) {
        const still = gradient.every((v) => v === 0)
        if (c.flat) expect(still).toBe(true)
        else {
          expect(still, `${name} has no gradient`).toBe(false)
          expect(error, name).toBeLessThan(1e-3)
        }
      }
    },
  )

  it('every operator that has a rule has a case', () => {
    const tried = new Set(cases.map(({ op }) => op.replace(':', '.')))
    expect(differentiable.filter((op) => !tried.has(op))).toEqual([])
  })
})
