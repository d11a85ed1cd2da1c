import type { onnx } from 'onnx-proto'

/**
 * Puts the branch that is taken in the place of each If. Exporters write an If around a Squeeze whose dimension they did
 * not know; `taken` says which way its condition goes, null to leave the If as it is.
 */
export function inlineBranches(
  graph: onnx.IGraphProto,
  taken: (node: onnx.INodeProto) => boolean | null,
): void {
  graph.node = graph.node!.flatMap((node) => {
    const way = node.opType === 'If' ? taken(node) : null
    if (way === null) return [node]
    const branch = node.attribute!.find(({ name }) => name === (way ? 'then_branch' : 'else_branch'))!.g!
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
