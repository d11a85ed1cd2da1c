/** Operators that scale by a sum, a mean or a deviation. */
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'

export const normalisation: Rules = {
  // dx = y (dy - sum(dy y)).
  Softmax(o) {
    const axes = softmaxAxes(o)
    const product = o.mul(o.dy, o.y)
    return [o.sub(product, o.mul(o.y, o.sum(product, axes)))]
  },
  LogSoftmax(o) {
    const axes = softmaxAxes(o)
    return [o.sub(o.dy, o.mul(o.exp(o.y), o.sum(o.dy, axes)))]
  },
  // With n = (x - mean) / deviation and g = dy scale: dx = (g - mean(g) - n mean(g n)) / deviation.
  LayerNormalization(o) {
    const first = o.axis('axis', -1)
    const axes = Array.from({ length: o.rank(o.x) - first }, (_, i) => first + i)
    const [mean, inverse] = [o.requireOutput(1), o.requireOutput(2)]
    const g = o.mul(o.dy, o.in(1))
    const n = o.mul(o.sub(o.x, mean), inverse)
    const centred = o.sub(g, o.mean(g, axes))
    return [o.mul(inverse, o.sub(centred, o.mul(n, o.mean(o.mul(g, n), axes))))]
  },
  // At inference the statistics are constants.
  BatchNormalization(o) {
    const deviation = o.sqrt(o.add(o.in(4), o.number('epsilon', 1e-5)))
    const shape = [1, -1, ...new Array(o.rank(o.x) - 2).fill(1)]
    return [o.mul(o.dy, o.reshape(o.div(o.in(1), deviation), shape))]
  },
  LpNormalization(o) {
    if (o.number('p', 2) !== 2) return o.refuse('a norm other than L2')
    const axes = [o.axis('axis', -1)]
    const length = o.sqrt(o.sum(o.square(o.x), axes))
    return [o.div(o.sub(o.dy, o.mul(o.y, o.sum(o.mul(o.dy, o.y), axes))), length)]
  },
}

/** Before operator set 13 the softmax went over all dimensions from `axis` on: the same only where that is the last. */
function softmaxAxes(o: NodeContext): number[] {
  if (o.opset >= 13) return [o.axis('axis', -1)]
  const axis = o.axis('axis', 1)
  return axis === o.rank(o.y) - 1 ? [axis] : o.refuse('an axis other than the last')
}
