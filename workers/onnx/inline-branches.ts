/** Exporters write an If around a Squeeze whose dimension they did not know. */
import type { GraphProto, NodeProto } from './proto/schema.ts'

/** Replaces each If by one of its branches; `condition` gives the value of its condition, null to leave the If as it is. */
export function inlineBranches(graph: GraphProto, condition: (node: NodeProto) => boolean | null): void {
  graph.node = graph.node!.flatMap((node) => {
    const value = node.opType === 'If' ? condition(node) : null
    if (value === null) return [node]
    const branch = node.attribute!.find(({ name }) => name === (value ? 'then_branch' : 'else_branch'))!.g!
    graph.initializer!.push(...(branch.initializer ?? []))
    const results = branch.output!.map(({ name }, i) => ({
      opType: 'Identity',
      input: [name!],
      output: [node.output![i]!],
      name: node.output![i]!,
    }))
    return [...(branch.node ?? []), ...results]
  })
}
