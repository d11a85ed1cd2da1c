/**
 * A float graph to one that multiplies in 8 bits. Weights are rounded per column (Jacob et al. 2018) and activations per
 * row at run time (LLM.int8() of Dettmers et al. 2022), so that a row has the same digits whatever stands beside it in
 * the batch. The product is MatMulIntegerToFloat (github.com/microsoft/onnxruntime, docs/ContribOperators.md).
 */
import { readFileSync } from 'node:fs'
import { type Constant, opset } from '../../onnx/file.ts'
import { DataType, type ModelProto, type NodeProto } from '../../onnx/proto/schema.ts'
import { GraphWriter } from '../../onnx/writer.ts'
import { products } from './products.ts'

/** Rewrites the products for which `wanted` holds and gives their number. `prune` removes the weights that nobody reads then. */
export function quantize(model: ModelProto, wanted: (name: string) => boolean): number {
  const graph = model.graph!
  const rewritten = products(graph).filter(({ name }) => wanted(name))
  if (rewritten.length === 0) return 0
  const writer = new GraphWriter(graph, opset(model), 'limn_int8_')
  const zero = writer.constant(DataType.UINT8, [], Uint8Array.of(128))
  /** Query, key and value read the same rows. */
  const rounded = new Map<string, RoundedRows>()
  const replacements = new Map<NodeProto, NodeProto[]>()
  const end = graph.node!.length
  for (const { node, input, weights, bias, name } of rewritten) {
    if (!rounded.has(input)) rounded.set(input, roundRows(writer, input, zero))
    const { rows, largest } = rounded.get(input)!
    const columns = perColumn(weights.read())
    const matrix = writer.constant(DataType.INT8, weights.dims, columns.rounded)
    const scales = writer.floats(
      columns.scales.map((scale) => scale / maxActivation),
      [weights.dims[1]!],
    )
    const inputs = [rows, matrix, writer.scalar(1), scales, zero]
    const product = writer.node('com.microsoft:MatMulIntegerToFloat', inputs)
    const scaled = writer.node('Mul', [product, largest], {}, bias ? undefined : name)
    if (bias) writer.node('Add', [scaled, bias], {}, name)
    replacements.set(node, graph.node!.splice(end))
  }
  graph.node = graph.node!.flatMap((node) => replacements.get(node) ?? [node])
  if (!model.opsetImport!.some(({ domain }) => domain === 'com.microsoft'))
    model.opsetImport!.push({ domain: 'com.microsoft', version: 1 })
  return rewritten.length
}

/** Names of tensors. */
interface RoundedRows {
  /** In 8 bits without sign. */
  rows: string
  /** The largest magnitude of each row, which `maxActivation` stands for. */
  largest: string
}

const maxActivation = 127

/**
 * `zero` is the value that stands for zero in the rounded rows. A row of zeros rounds to anything, for 0 / 0 is no
 * number, and is scaled back to zeros by its largest value.
 */
function roundRows(writer: GraphWriter, input: string, zero: string): RoundedRows {
  const largest = writer.reduceMax(writer.op('Abs', input), [-1])
  const within = writer.mul(input, writer.op('Reciprocal', largest))
  const rows = writer.node('QuantizeLinear', [within, writer.scalar(1 / maxActivation), zero])
  return { rows, largest }
}

/**
 * ONNX Runtime's kernels for x64 without VNNI add pairs of products in 16 bits, which overflow with weights beyond 64
 * (2 * 255 * 64 still fits); elsewhere all of the 8 bits are used.
 */
const maxWeight = process.arch !== 'x64' || hasVnni() ? 127 : 64

function hasVnni(): boolean {
  try {
    return /\b(avx512_vnni|avx_vnni|amx_int8)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}

/** Scales each column so that its largest weight is `max`. */
export function perColumn({ dims, data }: Constant, max = maxWeight) {
  const [k, n] = dims as [number, number]
  const scales = new Float32Array(n)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) scales[j] = Math.max(scales[j]!, Math.abs(data[i * n + j]!))
  for (let j = 0; j < n; j++) scales[j] = scales[j]! / max || 1
  const rounded = new Int8Array(k * n)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) rounded[i * n + j] = Math.round(data[i * n + j]! / scales[j]!)
  return { rounded, scales }
}
