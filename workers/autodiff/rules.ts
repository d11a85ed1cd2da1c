/**
 * Reverse-mode differentiation of ONNX operators, one rule each: given dy, the gradient of a scalar with respect to the
 * node's outputs, the nodes that yield its gradient with respect to each input. Formulas are those of the operators'
 * definitions (github.com/onnx/onnx, docs/Operators.md); every rule is held against central differences in
 * test/unit/guidance/rules.test.ts.
 */
import type { NodeContext } from './node-context.ts'

/** The gradient for each input; null where none flows. */
export type Gradients = (string | null)[]
export type Rule = (local: NodeContext) => Gradients

const gaussian = 1 / Math.sqrt(2 * Math.PI)

// Elementwise: x is the first input, y the output, dy its gradient.
const elementwise: Record<string, Rule> = {
  Identity: ({ dy }) => [dy],
  Dropout: ({ dy }) => [dy],
  Neg: (o) => [o.neg(o.dy)],
  Abs: (o) => [o.mul(o.dy, o.op('Sign', o.x))],
  Exp: (o) => [o.mul(o.dy, o.y)],
  Log: (o) => [o.div(o.dy, o.x)],
  Sqrt: (o) => [o.div(o.mul(o.dy, 0.5), o.y)],
  Reciprocal: (o) => [o.neg(o.mul(o.dy, o.mul(o.y, o.y)))],
  Sin: (o) => [o.mul(o.dy, o.op('Cos', o.x))],
  Cos: (o) => [o.neg(o.mul(o.dy, o.op('Sin', o.x)))],
  Asin: (o) => [o.div(o.dy, o.op('Sqrt', o.sub(1, o.mul(o.x, o.x))))],
  Acos: (o) => [o.neg(o.div(o.dy, o.op('Sqrt', o.sub(1, o.mul(o.x, o.x)))))],
  Atan: (o) => [o.div(o.dy, o.add(1, o.mul(o.x, o.x)))],
  Erf: (o) => [o.mul(o.dy, o.mul(2 / Math.sqrt(Math.PI), o.op('Exp', o.neg(o.mul(o.x, o.x)))))],
  Tanh: (o) => [o.mul(o.dy, o.sub(1, o.mul(o.y, o.y)))],
  Sigmoid: (o) => [o.mul(o.dy, o.mul(o.y, o.sub(1, o.y)))],
  Softplus: (o) => [o.mul(o.dy, o.op('Sigmoid', o.x))],
  Relu: (o) => [o.mul(o.dy, o.op('Sign', o.y))],
  LeakyRelu: (o) => [o.where(o.op('Less', o.x, 0), o.mul(o.dy, o.number('alpha', 0.01)), o.dy)],
  Elu: (o) => [o.where(o.op('Less', o.x, 0), o.mul(o.dy, o.add(o.y, o.number('alpha', 1))), o.dy)],
  HardSigmoid: (o) => [o.mul(o.dy, o.mul(o.between(o.y, 0, 1), o.number('alpha', 0.2)))],
  HardSwish: (o) => [
    o.mul(o.dy, o.add(o.clip(o.add(o.div(o.x, 6), 0.5), 0, 1), o.mul(o.between(o.x, -3, 3), o.div(o.x, 6)))),
  ],
  Clip: (o) => [o.mul(o.dy, o.float(o.op('Equal', o.x, o.y))), null, null],
  Gelu: (o) => [o.mul(o.dy, o.text('approximate', 'none') === 'tanh' ? tanhGelu(o) : erfGelu(o))],
  // Integers move in steps.
  Cast: (o) => [o.number('to', 1) === 1 ? o.float(o.dy) : null],
  Add: (o) => [o.dy, o.dy],
  Sub: (o) => [o.dy, o.needsGrad(1) ? o.neg(o.dy) : null],
  Mul: (o) => [o.needsGrad(0) ? o.mul(o.dy, o.in(1)) : null, o.needsGrad(1) ? o.mul(o.dy, o.x) : null],
  Div: (o) => [
    o.needsGrad(0) ? o.div(o.dy, o.in(1)) : null,
    o.needsGrad(1) ? o.neg(o.mul(o.dy, o.div(o.y, o.in(1)))) : null,
  ],
  Pow: (o) => [
    // The exponent may be an integer.
    o.needsGrad(0)
      ? o.mul(o.dy, o.mul(o.float(o.in(1)), o.op('Pow', o.x, o.sub(o.float(o.in(1)), 1))))
      : null,
    o.needsGrad(1) ? o.mul(o.dy, o.mul(o.y, o.op('Log', o.x))) : null,
  ],
  Sum: (o) => o.inputs.map(() => o.dy),
  Mean: (o) => o.inputs.map(() => o.div(o.dy, o.inputs.length)),
  Min: (o) => shareOfEqual(o),
  Max: (o) => shareOfEqual(o),
  Where: (o) => [
    null,
    o.needsGrad(1) ? o.where(o.x, o.dy, 0) : null,
    o.needsGrad(2) ? o.where(o.x, 0, o.dy) : null,
  ],
}

/** d/dx of x Phi(x). */
const erfGelu = (o: NodeContext) => {
  const phi = o.mul(0.5, o.add(1, o.op('Erf', o.mul(o.x, Math.SQRT1_2))))
  return o.add(phi, o.mul(o.x, o.mul(gaussian, o.op('Exp', o.mul(-0.5, o.mul(o.x, o.x))))))
}

/** d/dx of x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
const tanhGelu = (o: NodeContext) => {
  const square = o.mul(o.x, o.x)
  const c = Math.sqrt(2 / Math.PI)
  const t = o.op('Tanh', o.mul(c, o.mul(o.x, o.add(1, o.mul(0.044715, square)))))
  const inner = o.mul(c, o.add(1, o.mul(3 * 0.044715, square)))
  return o.add(o.mul(0.5, o.add(1, t)), o.mul(o.mul(0.5, o.x), o.mul(o.sub(1, o.mul(t, t)), inner)))
}

/** Where inputs tie, each has the whole gradient: a set of measure zero. */
const shareOfEqual = (o: NodeContext) =>
  o.inputs.map((input, i) => (o.needsGrad(i) ? o.mul(o.dy, o.float(o.op('Equal', input, o.y))) : null))

const matrices: Record<string, Rule> = {
  // Y = A B: dA = dY B', dB = A' dY, over the last two dimensions.
  MatMul: (o) => [
    o.needsGrad(0) ? o.op('MatMul', o.dy, o.transposeLast(o.in(1))) : null,
    o.needsGrad(1) ? o.op('MatMul', o.transposeLast(o.x), o.dy) : null,
  ],
  // Y = alpha A B + beta C, A and B transposed if said so.
  Gemm(o) {
    const [alpha, ta, tb] = [o.number('alpha', 1), o.number('transA', 0), o.number('transB', 0)]
    const product = (a: string, b: string, transA: number, transB: number) =>
      o.node('Gemm', [a, b], { alpha, transA, transB })
    const [a, b, dy] = [o.x, o.in(1), o.dy]
    return [
      o.needsGrad(0) ? (ta ? product(b, dy, tb, 1) : product(dy, b, 0, 1 - tb)) : null,
      o.needsGrad(1) ? (tb ? product(dy, a, 1, ta) : product(a, dy, 1 - ta, 0)) : null,
      o.needsGrad(2) ? o.mul(dy, o.number('beta', 1)) : null,
    ]
  },
  // An index that an input lacks and the output lacks was summed within the other input alone: not met in encoders.
  Einsum(o) {
    const [left, out] = o.text('equation', '').replaceAll(' ', '').split('->') as [string, string?]
    const terms = left.split(',')
    const repeats = terms.some((term) => new Set(term).size < term.length)
    if (out === undefined || repeats || left.includes('.'))
      return o.refuse(`the equation ${o.text('equation', '')}`)
    return o.inputs.map((_, i) => {
      if (!o.needsGrad(i)) return null
      const others = terms.flatMap((term, k) => (k === i ? [] : [{ term, input: o.in(k) }]))
      const known = new Set([out, ...others.map(({ term }) => term)].join(''))
      if ([...terms[i]!].some((index) => !known.has(index)))
        return o.refuse(`the equation ${o.text('equation', '')}`)
      const equation = `${[out, ...others.map(({ term }) => term)].join(',')}->${terms[i]}`
      return o.node('Einsum', [o.dy, ...others.map(({ input }) => input)], { equation })
    })
  },
}

const normalisations: Record<string, Rule> = {
  // dx = y (dy - sum(dy y)).
  Softmax(o) {
    if (o.opset < 13 && o.axis('axis', 1) !== o.rank(o.y) - 1) return o.refuse('an axis other than the last')
    const axes = [o.opset < 13 ? o.rank(o.y) - 1 : o.axis('axis', -1)]
    const product = o.mul(o.dy, o.y)
    return [o.sub(product, o.mul(o.y, o.sum(product, axes)))]
  },
  LogSoftmax(o) {
    if (o.opset < 13 && o.axis('axis', 1) !== o.rank(o.y) - 1) return o.refuse('an axis other than the last')
    const axes = [o.axis('axis', o.opset < 13 ? 1 : -1)]
    return [o.sub(o.dy, o.mul(o.op('Exp', o.y), o.sum(o.dy, axes)))]
  },
  // With n = (x - mean) / deviation and g = dy scale: dx = (g - mean(g) - n mean(g n)) / deviation.
  LayerNormalization(o) {
    const first = o.axis('axis', -1)
    const axes = Array.from({ length: o.rank(o.x) - first }, (_, i) => first + i)
    const [mean, inverse] = [o.requireOutput(1), o.requireOutput(2)]
    const g = o.mul(o.dy, o.in(1))
    const n = o.mul(o.sub(o.x, mean), inverse)
    const centred = o.sub(g, o.mean(g, axes))
    return [o.mul(inverse, o.sub(centred, o.mul(n, o.mean(o.mul(g, n), axes)))), null, null]
  },
  // At inference the statistics are constants.
  BatchNormalization(o) {
    const deviation = o.op('Sqrt', o.add(o.in(4), o.number('epsilon', 1e-5)))
    const shape = [1, -1, ...new Array(o.rank(o.x) - 2).fill(1)]
    return [o.mul(o.dy, o.reshape(o.div(o.in(1), deviation), shape)), null, null, null, null]
  },
  LpNormalization(o) {
    if (o.number('p', 2) !== 2) return o.refuse('a norm other than L2')
    const axes = [o.axis('axis', -1)]
    const length = o.op('Sqrt', o.sum(o.mul(o.x, o.x), axes))
    return [o.div(o.sub(o.dy, o.mul(o.y, o.sum(o.mul(o.dy, o.y), axes))), length)]
  },
}

const reductions: Record<string, Rule> = {
  ReduceSum: (o) => [o.broadcastBack(o.dy)],
  ReduceMean: (o) => [o.div(o.broadcastBack(o.dy), o.reducedCount())],
  ReduceL1: (o) => [o.mul(o.broadcastBack(o.dy), o.op('Sign', o.x))],
  ReduceL2: (o) => [o.mul(o.broadcastBack(o.div(o.dy, o.y)), o.x)],
  ReduceSumSquare: (o) => [o.mul(o.broadcastBack(o.mul(o.dy, 2)), o.x)],
  ReduceLogSumExp: (o) => [o.mul(o.broadcastBack(o.dy), o.op('Exp', o.sub(o.x, o.broadcastBack(o.y))))],
  ReduceMax: (o) => [o.mul(o.broadcastBack(o.dy), o.float(o.op('Equal', o.x, o.broadcastBack(o.y))))],
  ReduceMin: (o) => [o.mul(o.broadcastBack(o.dy), o.float(o.op('Equal', o.x, o.broadcastBack(o.y))))],
  CumSum: (o) => [
    o.node('CumSum', [o.dy, o.in(1)], {
      exclusive: o.number('exclusive', 0),
      reverse: 1 - o.number('reverse', 0),
    }),
    null,
  ],
}

const shapes: Record<string, Rule> = {
  Reshape: (o) => [o.reshapeLike(o.dy, o.x), null],
  Flatten: (o) => [o.reshapeLike(o.dy, o.x)],
  Squeeze: (o) => [o.reshapeLike(o.dy, o.x), null],
  Unsqueeze: (o) => [o.reshapeLike(o.dy, o.x), null],
  // What was repeated is summed, which the caller does for every gradient that is larger than its input.
  Expand: (o) => [o.dy, null],
  Transpose(o) {
    const rank = o.rank(o.x)
    const perm = o.numbers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    return [o.node('Transpose', [o.dy], { perm: perm.map((_, i) => perm.indexOf(i)) })]
  },
  Concat(o) {
    const axis = o.axis('axis', 0, o.y)
    let start = 0
    return o.inputs.map((input, i) => {
      const end = start + o.shape(input)[axis]!
      const part = o.needsGrad(i) ? o.slice(o.dy, axis, start, end) : null
      start = end
      return part
    })
  },
  Split: (o) => [
    o.node(
      'Concat',
      o.outputs.map((_, i) => o.gradientOrZeros(i)),
      { axis: o.axis('axis', 0) },
    ),
    null,
  ],
  Slice(o) {
    const { starts, ends, steps } = o.sliceRange()
    if (steps.some((step) => step !== 1))
      return [o.scatterBack(o.indicesLike(o.x, (all) => o.reapply(all))), null, null, null, null]
    const size = o.shape(o.x)
    return [
      o.pad(
        o.dy,
        starts,
        size.map((length, i) => length - ends[i]!),
      ),
      null,
      null,
      null,
      null,
    ]
  },
  Pad(o) {
    if (o.text('mode', 'constant') !== 'constant') return o.refuse(`mode ${o.text('mode', '')}`)
    const pads = o.numbers('pads') ?? o.values(1)
    const rank = o.rank(o.x)
    if (o.inputs[3]) return o.refuse('axes')
    return [
      o.pad(
        o.dy,
        pads.slice(0, rank).map((n) => -n),
        pads.slice(rank).map((n) => -n),
      ),
      null,
      null,
    ]
  },
  Gather(o) {
    const axis = o.axis('axis', 0)
    const size = o.shape(o.x)[axis]!
    const places = o.values(1).map((place) => (place < 0 ? place + size : place))
    const scalar = o.rank(o.y) === o.rank(o.x) - 1
    if (places.length === 1) {
      const before = new Array(o.rank(o.x)).fill(0)
      const after = [...before]
      before[axis] = places[0]
      after[axis] = size - 1 - places[0]!
      return [
        o.pad(scalar ? o.unsqueeze(o.dy, [axis]) : o.reshapeAxis(o.dy, o.x, axis, 1), before, after),
        null,
      ]
    }
    return [o.scatterBack(o.indicesLike(o.x, (all) => o.reapply(all))), null]
  },
}

const images: Record<string, Rule> = {
  Conv: (o) => [o.needsGrad(0) ? o.convolutionBack() : null, null, null],
  // Y is the gradient of a convolution; its own gradient is that convolution.
  ConvTranspose(o) {
    const { kernel, strides, dilations, pads, group } = o.window()
    if (o.numbers('output_shape') || o.text('auto_pad', 'NOTSET') !== 'NOTSET')
      return o.refuse('output_shape or auto_pad')
    const attributes = { kernel_shape: kernel, strides, dilations, pads, group }
    return [o.needsGrad(0) ? o.node('Conv', [o.dy, o.in(1)], attributes) : null, null, null]
  },
  GlobalAveragePool: (o) => [o.div(o.expandLike(o.dy, o.x), o.size(o.x) / o.size(o.y))],
  GlobalMaxPool: (o) => [o.mul(o.dy, o.float(o.op('Equal', o.x, o.y)))],
  AveragePool: (o) => [o.averagePoolBack()],
  // Pooling says where each maximum was.
  MaxPool: (o) =>
    o.number('storage_order', 0) ? o.refuse('storage_order') : [o.scatterBack(o.requireOutput(1)), null],
}

/** Operators whose output does not move with their input, or only in steps. */
const nonDifferentiable = new Set(
  'Shape Size Sign Floor Ceil Round ArgMax ArgMin Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor IsNaN IsInf NonZero ConstantOfShape Range OneHot Constant'.split(
    ' ',
  ),
)

const table: Record<string, Rule> = {
  ...elementwise,
  ...matrices,
  ...normalisations,
  ...reductions,
  ...shapes,
  ...images,
}

/** What ONNX Runtime's own optimizer and exporters of optimized files write. */
const microsoft: Record<string, Rule> = {
  Gelu: (o) => [o.mul(o.dy, erfGelu(o))],
  // x sigmoid(alpha x): with s the sigmoid, s (1 + alpha x (1 - s)).
  QuickGelu(o) {
    const scaled = o.mul(o.x, o.number('alpha', 1.702))
    const s = o.op('Sigmoid', scaled)
    return [o.mul(o.dy, o.mul(s, o.add(1, o.mul(scaled, o.sub(1, s)))))]
  },
}

/** Operators that have a rule, `domain.Name` outside the default domain. */
export const differentiable: readonly string[] = [
  ...Object.keys(table),
  ...Object.keys(microsoft).map((name) => `com.microsoft.${name}`),
]

/** The rule for an operator; 'flat' when no gradient flows through it, null when there is no rule. */
export function ruleFor(domain: string | null | undefined, opType: string): Rule | 'flat' | null {
  if (domain === 'com.microsoft') return microsoft[opType] ?? null
  if (domain && domain !== 'ai.onnx') return null
  return nonDifferentiable.has(opType) ? 'flat' : (table[opType] ?? null)
}
