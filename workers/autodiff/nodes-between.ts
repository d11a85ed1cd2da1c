import type { GraphProto, NodeProto } from '../onnx/proto/schema.ts'
import { inputsOf } from '../onnx/prune.ts'
import { ruleFor } from './rules/index.ts'

export interface NodesBetween {
  /** In the graph's order. */
  nodes: NodeProto[]
  /** The tensors that move with the inputs, which are among them. */
  depending: Set<string>
}

/** The nodes through which gradients flow to the inputs. */
export function nodesBetween(graph: GraphProto, inputs: readonly string[]): NodesBetween {
  const depending = new Set(inputs)
  const nodes = graph.node!.filter((node) => {
    const between =
      ruleFor(node) !== 'nonDifferentiable' && inputsOf(node).some((name) => depending.has(name))
    if (between) for (const name of node.output!) if (name) depending.add(name)
    return between
  })
  return { nodes, depending }
}
