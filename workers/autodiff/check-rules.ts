import { GraphError } from '../errors.ts'
import { attribute } from '../onnx/attributes.ts'
import { minOpset, opset } from '../onnx/file.ts'
import type { ModelProto } from '../onnx/proto/schema.ts'
import { prune } from '../onnx/prune.ts'
import { nodesBetween } from './nodes-between.ts'
import { operatorName, ruleFor } from './rules/index.ts'

/** Element types of half precision: FLOAT16 and BFLOAT16. */
const halfPrecision = new Set([10, 16])

/**
 * Prunes the graph to the nodes that the output needs and checks that every operator between has a rule. An If is let
 * through: one that depends on shapes only is resolved later.
 * @throws GraphError
 */
export function checkRules(model: ModelProto, inputs: readonly string[], output: string): void {
  const graph = model.graph!
  const version = opset(model)
  if (version < minOpset)
    throw new GraphError(`The graph is of operator set ${version}; gradients need ${minOpset} at least.`)
  prune(graph, [output])
  for (const input of inputs)
    if (!graph.input!.some(({ name }) => name === input))
      throw new GraphError(`The output "${output}" does not depend on "${input}".`)
  const unknown = new Set<string>()
  for (const node of nodesBetween(graph, inputs).nodes) {
    if (node.opType === 'Cast' && halfPrecision.has(Number(attribute(node, 'to'))))
      throw new GraphError('The graph computes in reduced precision; gradients need the fp32 file.')
    if (node.opType !== 'If' && ruleFor(node) === null) unknown.add(operatorName(node))
  }
  if (unknown.size > 0) throw new GraphError(`No gradient rule for ${[...unknown].sort().join(', ')}.`)
}
