/** Word embeddings of a float graph in 8 bits. */

import { attribute } from '../../onnx/attributes.ts'
import { type Constant, floats } from '../../onnx/file.ts'
import type { AttributeProto, GraphProto, NodeProto } from '../../onnx/proto/schema.ts'
import { inputsOf } from '../../onnx/prune.ts'

/** Shorter tables stay: position embeddings are added to everything, word embeddings are most of a text tower's file. */
const minRows = 1000

/**
 * Tables that rows are picked from, word embeddings, to 8 bits with a scale for each row: a quarter of the memory, and a
 * row's digits do not depend on other rows. Gives the number of tables.
 */
export function quantizeTables(graph: GraphProto): number {
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  const readers = new Map<string, number>()
  for (const node of graph.node!)
    for (const name of inputsOf(node)) readers.set(name, (readers.get(name) ?? 0) + 1)
  let count = 0
  graph.node = graph.node!.flatMap((node): NodeProto[] => {
    const [table, indices] = node.input as [string, string]
    const tensor = node.opType === 'Gather' && !node.domain ? initializers.get(table) : undefined
    const values = tensor && readers.get(table) === 1 && !attribute(node, 'axis') ? floats(tensor) : null
    if (values?.dims.length !== 2 || values.dims[0]! < minRows) return [node]
    const base = `limn_int8_table_${count++}`
    const [rows, width] = values.dims as [number, number]
    const { rounded, scales } = perRow(values)
    graph.initializer!.push(
      { name: `${base}_rows`, dataType: 3, dims: [rows, width], rawData: new Uint8Array(rounded.buffer) },
      { name: `${base}_scales`, dataType: 1, dims: [rows, 1], rawData: new Uint8Array(scales.buffer) },
    )
    const step = (opType: string, input: string[], output: string, more: AttributeProto[] = []) => ({
      ...{ opType, name: output, input, output: [output], attribute: more },
    })
    const to = [{ name: 'to', type: 2, i: 1 }]
    return [
      step('Gather', [`${base}_rows`, indices], `${base}_picked`),
      step('Cast', [`${base}_picked`], `${base}_float`, to),
      step('Gather', [`${base}_scales`, indices], `${base}_scale`),
      step('Mul', [`${base}_float`, `${base}_scale`], node.output![0]!),
    ]
  })
  return count
}

function perRow({ dims, data }: Constant) {
  const [rows, width] = dims as [number, number]
  const scales = new Float32Array(rows)
  const rounded = new Int8Array(data.length)
  for (let row = 0; row < rows; row++) {
    let max = 0
    for (let i = row * width; i < (row + 1) * width; i++) max = Math.max(max, Math.abs(data[i]!))
    scales[row] = max / 127 || 1
    for (let i = row * width; i < (row + 1) * width; i++) rounded[i] = Math.round(data[i]! / scales[row]!)
  }
  return { rounded, scales }
}
