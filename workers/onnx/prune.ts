import type { GraphProto, NodeProto } from './proto/schema.ts'

/** Removes the nodes, constants and inputs that the outputs do not need. Subgraphs (If, Loop) need every name they mention. */
export function prune(graph: GraphProto, outputs: readonly string[]): void {
  const producer = new Map<string, NodeProto>()
  for (const node of graph.node!) for (const name of node.output!) if (name) producer.set(name, node)
  const needed = new Set<string>()
  const nodes = new Set<NodeProto>()
  const stack = [...outputs]
  while (stack.length > 0) {
    const name = stack.pop()!
    if (needed.has(name)) continue
    needed.add(name)
    const node = producer.get(name)
    if (!node || nodes.has(node)) continue
    nodes.add(node)
    stack.push(...inputsOf(node))
  }
  graph.node = graph.node!.filter((node) => nodes.has(node))
  graph.initializer = graph.initializer!.filter(({ name }) => needed.has(name!))
  graph.input = graph.input!.filter(({ name }) => needed.has(name!))
  graph.output = graph.output!.filter(({ name }) => needed.has(name!))
  // An exporter's notes of shapes can be wrong after a rewrite, and nobody reads them.
  graph.valueInfo = []
}

/** All names a node reads, those of its subgraphs included. */
export function inputsOf(node: NodeProto): string[] {
  const own = node.input!.filter((name) => name !== '')
  const graphs = (node.attribute ?? []).flatMap(({ g }) => (g ? [g] : []))
  return [...own, ...graphs.flatMap((graph) => (graph.node ?? []).flatMap(inputsOf))]
}
