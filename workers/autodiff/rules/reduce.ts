/** Reductions, and the running sum. */
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'

export const reduce: Rules = {
  ReduceSum: (o) => [broadcastBack(o, o.dy)],
  ReduceMean: (o) => [o.div(broadcastBack(o, o.dy), reducedCount(o))],
  ReduceL1: (o) => [o.mul(broadcastBack(o, o.dy), o.op('Sign', o.x))],
  ReduceL2: (o) => [o.mul(broadcastBack(o, o.div(o.dy, o.y)), o.x)],
  ReduceSumSquare: (o) => [o.mul(broadcastBack(o, o.mul(o.dy, 2)), o.x)],
  ReduceLogSumExp: (o) => [o.mul(broadcastBack(o, o.dy), o.exp(o.sub(o.x, broadcastBack(o, o.y))))],
  ReduceMax: (o) => [o.mul(broadcastBack(o, o.dy), o.equal(o.x, broadcastBack(o, o.y)))],
  ReduceMin: (o) => [o.mul(broadcastBack(o, o.dy), o.equal(o.x, broadcastBack(o, o.y)))],
  CumSum: (o) => [
    o.node('CumSum', [o.dy, o.in(1)], {
      exclusive: o.number('exclusive', 0),
      reverse: 1 - o.number('reverse', 0),
    }),
  ],
}

function reducedAxes(o: NodeContext): number[] {
  const rank = o.rank(o.x)
  const axes = o.numbers('axes') ?? (o.inputs[1] ? o.values(1) : [])
  if (axes.length === 0)
    return o.number('noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, i) => i)
  return axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
}

/** Repeats a reduced tensor over the input's shape. */
function broadcastBack(o: NodeContext, a: string): string {
  const axes = reducedAxes(o)
  const kept = o.number('keepdims', 1) === 1 || axes.length === 0
  return o.expandLike(kept ? a : o.unsqueeze(a, axes), o.x)
}

/** How many numbers went into one. The batch is never among them: its length is not known here. */
const reducedCount = (o: NodeContext): number =>
  reducedAxes(o).reduce((product, axis) => product * o.shape(o.x)[axis]!, 1)
