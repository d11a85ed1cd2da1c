/** Where in an encoder's graph the image's places can still be told apart. */
import type { NodeProto } from '../onnx/proto/schema.ts'

/** A feature map [n, c, rows, columns], or tokens [n, skip + rows * columns, width] of which the first `skip` are no places. */
export interface FeatureGrid {
  tensor: string
  layout: 'map' | 'tokens'
  rows: number
  columns: number
  skip: number
}

type Layout = Omit<FeatureGrid, 'tensor'>

/**
 * The last tensor with places through which all of the gradient flows, taken before the last attention where there is
 * one: after it each place already knows of all the others. Null when places are never laid out in a known way.
 * `nodes` are those between the images and the embedding, in the graph's order.
 */
export function findGrid(
  nodes: readonly NodeProto[],
  depending: ReadonlySet<string>,
  shapes: ReadonlyMap<string, number[]>,
  embedding: string,
): FeatureGrid | null {
  const layouts = new Map<string, Layout>()
  for (const node of nodes)
    for (const output of node.output!) {
      const layout = shapes.has(output) && layoutOf(node, shapes.get(output)!, layouts)
      if (layout) layouts.set(output, layout)
    }
  const lastAttention = nodes.findLastIndex(({ opType }) => opType === 'Softmax')
  let found: FeatureGrid | null = null
  for (const { tensor, at } of bottlenecks(nodes, depending, embedding)) {
    const layout = layouts.get(tensor)
    if (!layout || layout.rows * layout.columns < 4) continue
    if (lastAttention >= 0 && at >= lastAttention && found) break
    found = { tensor, ...layout }
  }
  return found
}

function layoutOf(node: NodeProto, shape: number[], layouts: Map<string, Layout>): Layout | null {
  const from = node.input!.flatMap((name) => layouts.get(name) ?? [])
  if (shape.length === 4) {
    const [, , rows, columns] = shape as [number, number, number, number]
    const map: Layout = { layout: 'map', rows, columns, skip: 0 }
    if (/Conv|Pool/.test(node.opType!)) return map
    const carried = from.some((l) => l.layout === 'map' && l.rows === rows && l.columns === columns)
    // A product of matrices is no map, nor are tensors computed from it: they have no input with a layout.
    return carried && node.opType !== 'MatMul' ? map : null
  }
  if (shape.length !== 3) return null
  for (const layout of from) {
    const places = layout.rows * layout.columns
    const skip = shape[1]! - places
    const joined = node.opType === 'Concat' ? skip === 1 : skip === layout.skip
    if (joined && skip >= 0) return { ...layout, layout: 'tokens', skip }
  }
  // [n, c, places] on its way to be transposed.
  const flattened = from.find(({ layout, rows, columns }) => layout === 'map' && rows * columns === shape[2])
  return flattened ? { ...flattened, layout: 'map' } : null
}

/** Tensors that every way from the images to the embedding leads through, with the place of their producer. */
function bottlenecks(
  nodes: readonly NodeProto[],
  depending: ReadonlySet<string>,
  embedding: string,
): { tensor: string; at: number }[] {
  const lastUse = new Map<string, number>([[embedding, nodes.length]])
  nodes.forEach((node, at) => {
    for (const input of node.input!)
      if (depending.has(input)) lastUse.set(input, Math.max(lastUse.get(input) ?? 0, at))
  })
  const live = new Set<string>()
  const found: { tensor: string; at: number }[] = []
  nodes.forEach((node, at) => {
    for (const input of node.input!) if (lastUse.get(input) === at) live.delete(input)
    for (const output of node.output!) if ((lastUse.get(output) ?? -1) > at) live.add(output)
    const [tensor] = live
    if (live.size === 1 && tensor && node.output!.includes(tensor)) found.push({ tensor, at })
  })
  return found
}
