/** The passes that bring a graph into the form that the reverse walk needs. */

import type * as ort from 'onnxruntime-node'
import { opset } from '../onnx/file.ts'
import { hoistTokenSlice } from '../onnx/hoist-token-slice.ts'
import { inlineBranches } from '../onnx/inline-branches.ts'
import { type Probed, probe } from '../onnx/probe.ts'
import type { ModelProto } from '../onnx/proto/schema.ts'
import { prune } from '../onnx/prune.ts'
import { GraphWriter } from '../onnx/writer.ts'
import { checkRules } from './check-rules.ts'
import { type NodesBetween, nodesBetween } from './nodes-between.ts'
import { valueInputs } from './rules/index.ts'

export interface PrepareOptions {
  /** The graph inputs that gradients are with respect to: one for an encoder, several for a generator. */
  inputs: readonly string[]
  /** The output that is differentiated. */
  output: string
  /** Sample inputs of the graph, by which shapes are found: two images, so that the batch can be told from a 1. */
  feeds: Record<string, ort.Tensor>
}

export interface Prepared extends NodesBetween {
  writer: GraphWriter
  probed: Probed
}

/** Runs the passes in their order; each changes the model's graph in place. @throws GraphError */
export async function prepare(model: ModelProto, options: PrepareOptions): Promise<Prepared> {
  const { inputs, output } = options
  const graph = model.graph!
  checkRules(model, inputs, output)
  await inlineConstantIfs(model, options)
  const probed = await probeBetween(model, options)
  const writer = new GraphWriter(graph, opset(model), 'limn_grad_')
  hoistTokenSlice(writer, probed.shapes)
  prune(graph, [output])
  return { writer, probed, ...nodesBetween(graph, inputs) }
}

/** Inlines each If whose condition depends on shapes only. */
async function inlineConstantIfs(
  model: ModelProto,
  { inputs, output, feeds }: PrepareOptions,
): Promise<void> {
  const graph = model.graph!
  const { depending } = nodesBetween(graph, inputs)
  const conditions = graph.node!.flatMap(({ opType, input }) =>
    opType === 'If' && !depending.has(input![0]!) ? [input![0]!] : [],
  )
  if (conditions.length === 0) return
  const { values } = await probe(model, feeds, [], conditions)
  inlineBranches(graph, (node) => {
    const value = values.get(node.input![0]!)
    return value ? value[0] === 1 : null
  })
  prune(graph, [output])
}

/** Finds the shapes of all tensors of the nodes between, and the values that rules read. */
function probeBetween(model: ModelProto, { inputs, feeds }: PrepareOptions): Promise<Probed> {
  const { nodes, depending } = nodesBetween(model.graph!, inputs)
  const tensors = nodes.flatMap(({ input, output }) => [...input!, ...output!]).filter(Boolean)
  const integers = nodes.flatMap(valueInputs).filter((name) => !depending.has(name))
  return probe(model, feeds, tensors, integers)
}
