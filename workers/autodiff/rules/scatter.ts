/** The gradient of operators that pick numbers out of their input: each goes back to where it came from. */
import type { NodeContext } from '../node-context.ts'

/** The flat position of each number of the input, shaped as the input. */
export function positions(o: NodeContext): string {
  const count = o.node('Size', [o.x])
  const range = o.node('Range', [o.integers([0], []), count, o.integers([1], [])])
  return o.reshapeLike(range, o.x)
}

/** dy laid into zeros shaped as the input, at these flat positions; numbers that fall on one place are added up. */
export function scatterBack(o: NodeContext, at: string): string {
  if (o.opset < 16) return o.refuse(`operator set ${o.opset}, below 16,`)
  const zeros = o.node('ConstantOfShape', [o.reshape(o.node('Size', [o.x]), [1])])
  const flat = o.node('ScatterElements', [zeros, o.reshape(at, [-1]), o.reshape(o.dy, [-1])], {
    axis: 0,
    reduction: 'add',
  })
  return o.reshapeLike(flat, o.x)
}
