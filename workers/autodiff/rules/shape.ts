/** Operators that move numbers without changing them. */
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'
import { positions, scatterBack } from './scatter.ts'

export const shape: Rules = {
  Reshape: (o) => [o.reshapeLike(o.dy, o.x)],
  Flatten: (o) => [o.reshapeLike(o.dy, o.x)],
  Squeeze: (o) => [o.reshapeLike(o.dy, o.x)],
  Unsqueeze: (o) => [o.reshapeLike(o.dy, o.x)],
  // `unbroadcast` sums over the repeats.
  Expand: (o) => [o.dy],
  Transpose(o) {
    const rank = o.rank(o.x)
    const perm = o.numbers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    return [
      o.transpose(
        o.dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ]
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
  Split(o) {
    const gradients = o.outputs.map((_, i) => o.gradientOrZeros(i))
    return [o.node('Concat', gradients, { axis: o.axis('axis', 0) })]
  },
  Slice(o) {
    const { starts, ends, steps } = sliceRange(o)
    if (steps.some((step) => step !== 1))
      return [scatterBack(o, o.node('Slice', [positions(o), ...o.inputs.slice(1)]))]
    const after = o.shape(o.x).map((length, axis) => length - ends[axis]!)
    return [pad(o, o.dy, starts, after)]
  },
  Pad(o) {
    if (o.text('mode', 'constant') !== 'constant') return o.refuse(`mode ${o.text('mode', '')}`)
    if (o.inputs[3]) return o.refuse('axes')
    const cut = o.values(1).map((n) => -n)
    const rank = o.rank(o.x)
    return [pad(o, o.dy, cut.slice(0, rank), cut.slice(rank))]
  },
  Gather(o) {
    const axis = o.axis('axis', 0)
    const size = o.shape(o.x)[axis]!
    const indices = o.values(1).map((index) => (index < 0 ? index + size : index))
    if (indices.length > 1)
      return [scatterBack(o, o.node('Gather', [positions(o), o.in(1)], { axis: o.number('axis', 0) }))]
    const [index] = indices as [number]
    const dropped = o.rank(o.y) === o.rank(o.x) - 1
    const one = dropped ? o.unsqueeze(o.dy, [axis]) : reshapeAxis(o, o.dy, axis, 1)
    const zeros = new Array<number>(o.rank(o.x)).fill(0)
    return [pad(o, one, zeros.with(axis, index), zeros.with(axis, size - 1 - index))]
  },
}

/** Adds, or where negative cuts, this many rows before and after along each axis. */
function pad(o: NodeContext, a: string, before: number[], after: number[]): string {
  const pads = [...before, ...after]
  return pads.every((n) => n === 0) ? a : o.node('Pad', [a, o.integers(pads)])
}

/** Shaped as the input, but of another length along one axis. */
function reshapeAxis(o: NodeContext, a: string, axis: number, length: number): string {
  // The batch is the one dimension that may vary.
  const shape = o.shape(o.x).map((size, i) => (i === axis ? length : i === 0 ? -1 : size))
  return o.reshape(a, shape)
}

/** Where a Slice begins and ends along every axis. */
function sliceRange(o: NodeContext): { starts: number[]; ends: number[]; steps: number[] } {
  const sizes = o.shape(o.x)
  const [from, to] = [o.values(1), o.values(2)]
  const axes = o.inputs[3] ? o.values(3) : from.map((_, i) => i)
  const by = o.inputs[4] ? o.values(4) : from.map(() => 1)
  const [starts, ends, steps] = [sizes.map(() => 0), [...sizes], sizes.map(() => 1)]
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + sizes.length : given
    const length = sizes[axis]!
    const clamp = (index: number) => Math.min(length, Math.max(0, index < 0 ? index + length : index))
    starts[axis] = clamp(from[i]!)
    ends[axis] = clamp(to[i]!)
    steps[axis] = by[i]!
  }
  return { starts, ends, steps }
}
