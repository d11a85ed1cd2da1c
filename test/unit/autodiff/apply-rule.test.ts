/** The list that a rule returns, against the inputs of its node. */
import { describe, expect, it } from 'vitest'
import { applyRule } from '../../../workers/autodiff/apply-rule.ts'
import { NodeContext } from '../../../workers/autodiff/node-context.ts'
import { GraphError } from '../../../workers/errors.ts'
import { Constants } from '../../../workers/onnx/constants.ts'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'

/** An Add of a and b, of which those named need a gradient. */
function context(...needing: string[]): NodeContext {
  const writer = new GraphBuilder()
  writer.node('Add', ['a', 'b'])
  return new NodeContext(writer.graph.node![0]!, {
    writer,
    constants: new Constants(writer.graph),
    probed: { shapes: new Map(), values: new Map() },
    gradient: () => 'dy',
    needsGrad: (name) => needing.includes(name),
  })
}

describe('the list of gradients that a rule returns', () => {
  it('a list as long as the inputs is taken as it is', () => {
    expect(applyRule((o) => [o.dy, null], context('a', 'b'))).toEqual(['dy', null])
  })

  it('a list longer than the inputs is a bug, even where it ends in null', () => {
    const rule = () => ['dy', 'dy', null]
    expect(() => applyRule(rule, context('a', 'b'))).toThrow(
      'The rule for Add gives 3 gradients for 2 inputs. This is a bug.',
    )
  })

  it('a list may leave out inputs at the end that need no gradient', () => {
    expect(applyRule((o) => [o.dy], context('a'))).toEqual(['dy'])
  })

  it('a list that leaves out an input that needs a gradient has no rule for the graph', () => {
    expect(() => applyRule((o) => [o.dy], context('a', 'b'))).toThrow(GraphError)
    expect(() => applyRule((o) => [o.dy], context('a', 'b'))).toThrow(
      /Add .* input 1 that depends on the image/,
    )
  })
})
