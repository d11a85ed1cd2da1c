/** Reverse-mode differentiation of an ONNX graph: nodes are appended that yield a vector-Jacobian product. */

import { GraphError } from '../errors.ts'
import { Constants } from '../onnx/constants.ts'
import type { ModelProto } from '../onnx/proto/schema.ts'
import type { GraphWriter } from '../onnx/writer.ts'
import { applyRule } from './apply-rule.ts'
import { GradientSums } from './gradient-sums.ts'
import { type GraphContext, NodeContext } from './node-context.ts'
import type { NodesBetween } from './nodes-between.ts'
import { type PrepareOptions, prepare } from './prepare.ts'
import { operatorName, ruleFor } from './rules/index.ts'
import { unbroadcast } from './unbroadcast.ts'

export interface Differentiation extends PrepareOptions {
  /** Writes the gradient with respect to the output and gives its name. */
  seed(writer: GraphWriter): string
}

export interface Differentiated extends Readonly<NodesBetween> {
  writer: GraphWriter
  /** Names of the gradients, in the order of `inputs`. */
  gradients: string[]
  /** The gradient of any tensor between, null where none flows. */
  gradient(tensor: string): string | null
  shapes: ReadonlyMap<string, number[]>
}

/**
 * Appends the nodes of the gradients to the model's graph, which is pruned to the nodes that the output needs.
 * @throws GraphError naming the operator when one has no rule
 */
export async function differentiate(
  model: ModelProto,
  { seed, ...options }: Differentiation,
): Promise<Differentiated> {
  const { writer, probed, nodes, depending } = await prepare(model, options)
  const { shapes } = probed
  const sums = new GradientSums(writer)
  const gradient = (tensor: string) => sums.total(tensor)
  sums.add(options.output, seed(writer))
  const constants = new Constants(writer.graph)
  const context: GraphContext = {
    writer,
    constants,
    probed,
    gradient,
    needsGrad: (name) => depending.has(name),
  }
  for (const node of nodes.toReversed()) {
    const rule = ruleFor(node)
    if (!rule || rule === 'nonDifferentiable')
      throw new GraphError(`No gradient rule for ${operatorName(node)}.`)
    if (!node.output!.some((name) => sums.has(name))) continue
    for (const [i, part] of applyRule(rule, new NodeContext(node, context)).entries()) {
      const input = node.input![i]!
      if (part && depending.has(input)) sums.add(input, unbroadcast(writer, part, node, i, shapes))
    }
  }
  const gradients = options.inputs.map((input) => {
    const found = gradient(input)
    if (!found) throw new GraphError(`No gradient flows from "${options.output}" to "${input}".`)
    return found
  })
  return { writer, gradients, gradient, nodes, depending, shapes }
}
