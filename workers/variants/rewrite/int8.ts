/**
 * A float graph to one that multiplies in 8 bits: products with constant matrices become DynamicQuantizeMatMul of ONNX
 * Runtime, weights rounded per column and without a zero point, activations per tensor at run time (Jacob et al. 2018;
 * github.com/microsoft/onnxruntime, docs/ContribOperators.md).
 */
import { readFileSync } from 'node:fs'
import type { Constant } from '../../onnx/file.ts'
import type { ModelProto, NodeProto } from '../../onnx/proto/schema.ts'
import { products } from './products.ts'

/** Rewrites the products for which `wanted` holds and gives their number. `prune` removes the weights that nobody reads then. */
export function quantize(model: ModelProto, wanted: (name: string) => boolean): number {
  const graph = model.graph!
  const rewritten = products(graph).filter(({ name }) => wanted(name))
  const replacements = new Map<NodeProto, NodeProto[]>()
  for (const [i, { node, input, weights, bias, biasNode, name }] of rewritten.entries()) {
    const [matrix, scale, zero] = ['weights', 'scale', 'zero'].map((part) => `limn_int8_${i}_${part}`) as [
      string,
      string,
      string,
    ]
    const { rounded, scales, zeros } = perColumn(weights.read())
    const [k, n] = weights.dims as [number, number]
    const bytes = (values: Int8Array | Float32Array) => new Uint8Array(values.buffer)
    graph.initializer!.push(
      { name: matrix, dataType: 3, dims: [k, n], rawData: bytes(rounded) },
      { name: scale, dataType: 1, dims: [n], rawData: bytes(scales) },
      { name: zero, dataType: 3, dims: [n], rawData: bytes(zeros) },
    )
    const output = biasNode ? biasNode.output![0]! : name
    const inputs = [input, matrix, scale, zero, ...(bias ? [bias] : [])]
    const product: NodeProto = {
      opType: 'DynamicQuantizeMatMul',
      domain: 'com.microsoft',
      name: output,
      input: inputs,
      output: [output],
      attribute: [],
    }
    replacements.set(node, biasNode ? [] : [product])
    // The bias may be computed after the product.
    if (biasNode) replacements.set(biasNode, [product])
  }
  graph.node = graph.node!.flatMap((node) => replacements.get(node) ?? [node])
  if (rewritten.length > 0 && !model.opsetImport!.some(({ domain }) => domain === 'com.microsoft'))
    model.opsetImport!.push({ domain: 'com.microsoft', version: 1 })
  return rewritten.length
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
  return { rounded, scales, zeros: new Int8Array(n) }
}
