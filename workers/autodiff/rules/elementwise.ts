/** Operators that compute each number of the output by itself, with broadcasting. */
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'

export const elementwise: Rules = {
  Identity: (o) => [o.dy],
  Dropout: (o) => [o.dy],
  Neg: (o) => [o.neg(o.dy)],
  Abs: (o) => [o.mul(o.dy, o.op('Sign', o.x))],
  Exp: (o) => [o.mul(o.dy, o.y)],
  Log: (o) => [o.div(o.dy, o.x)],
  Sqrt: (o) => [o.div(o.mul(o.dy, 0.5), o.y)],
  Reciprocal: (o) => [o.neg(o.mul(o.dy, o.square(o.y)))],
  Sin: (o) => [o.mul(o.dy, o.op('Cos', o.x))],
  Cos: (o) => [o.neg(o.mul(o.dy, o.op('Sin', o.x)))],
  Asin: (o) => [o.div(o.dy, o.sqrt(o.sub(1, o.square(o.x))))],
  Acos: (o) => [o.neg(o.div(o.dy, o.sqrt(o.sub(1, o.square(o.x)))))],
  Atan: (o) => [o.div(o.dy, o.add(1, o.square(o.x)))],
  Erf: (o) => [o.mul(o.dy, o.mul(2 / Math.sqrt(Math.PI), o.exp(o.neg(o.square(o.x)))))],
  Tanh: (o) => [o.mul(o.dy, o.sub(1, o.square(o.y)))],
  Sigmoid: (o) => [o.mul(o.dy, o.mul(o.y, o.sub(1, o.y)))],
  Softplus: (o) => [o.mul(o.dy, o.op('Sigmoid', o.x))],
  Relu: (o) => [o.mul(o.dy, o.op('Sign', o.y))],
  LeakyRelu: (o) => [o.where(o.op('Less', o.x, 0), o.mul(o.dy, o.number('alpha', 0.01)), o.dy)],
  Elu: (o) => [o.where(o.op('Less', o.x, 0), o.mul(o.dy, o.add(o.y, o.number('alpha', 1))), o.dy)],
  HardSigmoid: (o) => [o.mul(o.dy, o.mul(o.between(o.y, 0, 1), o.number('alpha', 0.2)))],
  HardSwish: (o) => [
    o.mul(o.dy, o.add(o.clip(o.add(o.div(o.x, 6), 0.5), 0, 1), o.mul(o.between(o.x, -3, 3), o.div(o.x, 6)))),
  ],
  Clip: (o) => [o.mul(o.dy, o.equal(o.x, o.y))],
  Gelu: (o) => [o.mul(o.dy, o.text('approximate', 'none') === 'tanh' ? tanhGelu(o) : erfGelu(o))],
  'com.microsoft.Gelu': (o) => [o.mul(o.dy, erfGelu(o))],
  // x sigmoid(alpha x): with s the sigmoid, s (1 + alpha x (1 - s)).
  'com.microsoft.QuickGelu'(o) {
    const scaled = o.mul(o.x, o.number('alpha', 1.702))
    const s = o.op('Sigmoid', scaled)
    return [o.mul(o.dy, o.mul(s, o.add(1, o.mul(scaled, o.sub(1, s)))))]
  },
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
  Min: (o) => gradientOfChosen(o),
  Max: (o) => gradientOfChosen(o),
  Where: (o) => [
    null,
    o.needsGrad(1) ? o.where(o.x, o.dy, 0) : null,
    o.needsGrad(2) ? o.where(o.x, 0, o.dy) : null,
  ],
}

/** d/dx of x Phi(x). */
function erfGelu(o: NodeContext): string {
  const phi = o.mul(0.5, o.add(1, o.op('Erf', o.mul(o.x, Math.SQRT1_2))))
  const density = o.mul(1 / Math.sqrt(2 * Math.PI), o.exp(o.mul(-0.5, o.square(o.x))))
  return o.add(phi, o.mul(o.x, density))
}

/** d/dx of x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
function tanhGelu(o: NodeContext): string {
  const square = o.square(o.x)
  const c = Math.sqrt(2 / Math.PI)
  const t = o.op('Tanh', o.mul(c, o.mul(o.x, o.add(1, o.mul(0.044715, square)))))
  const inner = o.mul(c, o.add(1, o.mul(3 * 0.044715, square)))
  return o.add(o.mul(0.5, o.add(1, t)), o.mul(o.mul(0.5, o.x), o.mul(o.sub(1, o.square(t)), inner)))
}

/** Where inputs tie, each has the whole gradient: a set of measure zero. */
const gradientOfChosen = (o: NodeContext) =>
  o.inputs.map((input, i) => (o.needsGrad(i) ? o.mul(o.dy, o.equal(input, o.y)) : null))
