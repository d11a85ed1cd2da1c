/**
 * A float graph to one that multiplies in 8 bits: products with constant matrices become DynamicQuantizeMatMul of ONNX
 * Runtime, weights rounded per column and without a zero point, activations per tensor as they come (Jacob et al. 2018;
 * github.com/microsoft/onnxruntime, docs/ContribOperators.md).
 */
import { readFileSync } from 'node:fs'
import type { onnx } from 'onnx-proto'
import { attribute } from '../onnx/attributes.ts'
import { type Constant, floats } from '../onnx/file.ts'
import { inputsOf } from '../onnx/prune.ts'

/** A product with a constant matrix. */
interface Product {
  /** Name of its output: names it among the model's layers. */
  name: string
  node: onnx.INodeProto
  /** What is multiplied, [..., k]. */
  input: string
  /** [k, n]. */
  weights: Weights
  /** Name of a constant [n] that is added, and the node that adds it unless the product does. */
  bias: string | null
  adds: onnx.INodeProto | null
}

/** A constant whose values are read when they are wanted: all of a model's at once would be its size again. */
interface Weights {
  dims: number[]
  read(): Constant
}

const FLOAT = 1
const HALF = 10
/** Products of fewer weights than these are not worth the rounding. */
const leastWeights = 4096

/** The products of a graph that can be made in 8 bits, in the graph's order. */
export function products(graph: onnx.IGraphProto): Product[] {
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  const producer = new Map(graph.node!.flatMap((node) => node.output!.map((name) => [name, node] as const)))
  const readers = new Map<string, onnx.INodeProto[]>()
  for (const node of graph.node!)
    for (const name of inputsOf(node)) readers.set(name, [...(readers.get(name) ?? []), node])
  const outputs = new Set(graph.output!.map(({ name }) => name!))
  const weightsOf = (tensor: onnx.ITensorProto): Weights | null =>
    tensor.dataType === FLOAT || tensor.dataType === HALF
      ? { dims: (tensor.dims ?? []).map(Number), read: () => floats(tensor)! }
      : null
  const constant = (name: string | undefined): Weights | null => {
    if (!name) return null
    const tensor = initializers.get(name)
    if (tensor) return weightsOf(tensor)
    const node = producer.get(name)
    if (node?.opType === 'Identity') return constant(node.input![0]!)
    // Half-precision weights are unpacked by a Cast to float.
    if (node?.opType === 'Cast' && attribute(node, 'to') === 1) return constant(node.input![0]!)
    if (node?.opType === 'Transpose') return transposed(node, constant(node.input![0]!))
    const value = node?.opType === 'Constant' && node.attribute!.find((of) => of.name === 'value')?.t
    return value ? weightsOf(value) : null
  }
  return graph.node!.flatMap((node): Product[] => {
    if (node.domain || !['MatMul', 'Gemm'].includes(node.opType!)) return []
    const [input, second, third] = node.input as [string, string, string?]
    let weights = constant(second)
    if (weights?.dims.length !== 2 || weights.dims[0]! * weights.dims[1]! < leastWeights || constant(input))
      return []
    const name = node.output![0]!
    if (node.opType === 'Gemm') {
      const plain = ['alpha', 'beta'].every((of) => (attribute(node, of) ?? 1) === 1)
      if (!plain || attribute(node, 'transA')) return []
      if (attribute(node, 'transB')) weights = turned(weights)
      if (third && constant(third)?.dims.join() !== String(weights.dims[1])) return []
      return [{ name, node, input, weights, bias: third || null, adds: null }]
    }
    const [reader, ...others] = readers.get(name) ?? []
    const adds = reader?.opType === 'Add' && others.length === 0 && !outputs.has(name) ? reader : null
    const bias = adds ? adds.input!.find((of) => of !== name) : undefined
    const shape = constant(bias)?.dims
    const fits = shape?.length === 1 && shape[0] === weights.dims[1]
    return [{ name, node, input, weights, bias: fits ? bias! : null, adds: fits ? adds : null }]
  })
}

/** Rewrites the products for which `wanted` holds; gives how many those are. Weights that nobody reads are left to `prune`. */
export function quantize(model: onnx.IModelProto, wanted: (name: string) => boolean): number {
  const graph = model.graph!
  const rewritten = products(graph).filter(({ name }) => wanted(name))
  const instead = new Map<onnx.INodeProto, onnx.INodeProto[]>()
  for (const [i, { node, input, weights, bias, adds, name }] of rewritten.entries()) {
    const [matrix, scale, zero] = ['weights', 'scale', 'zero'].map((part) => `limn_int8_${i}_${part}`) as [
      string,
      string,
      string,
    ]
    const { rounded, scales, zeros } = perColumn(weights.read())
    const [k, n] = weights.dims as [number, number]
    const bytes = (of: Int8Array | Float32Array) => new Uint8Array(of.buffer)
    graph.initializer!.push(
      { name: matrix, dataType: 3, dims: [k, n], rawData: bytes(rounded) },
      { name: scale, dataType: 1, dims: [n], rawData: bytes(scales) },
      { name: zero, dataType: 3, dims: [n], rawData: bytes(zeros) },
    )
    const output = adds ? adds.output![0]! : name
    const inputs = [input, matrix, scale, zero, ...(bias ? [bias] : [])]
    const product: onnx.INodeProto = {
      opType: 'DynamicQuantizeMatMul',
      domain: 'com.microsoft',
      name: output,
      input: inputs,
      output: [output],
      attribute: [],
    }
    instead.set(node, adds ? [] : [product])
    // The bias may be made after the product.
    if (adds) instead.set(adds, [product])
  }
  graph.node = graph.node!.flatMap((node) => instead.get(node) ?? [node])
  if (rewritten.length > 0 && !model.opsetImport!.some(({ domain }) => domain === 'com.microsoft'))
    model.opsetImport!.push({ domain: 'com.microsoft', version: 1 })
  return rewritten.length
}

/** Tables of fewer rows stay: position embeddings are added to everything, word embeddings are most of a text tower's file. */
const leastRows = 1000

/**
 * Tables that rows are picked from, word embeddings, to 8 bits with a scale for each row: a quarter of the memory, and a
 * row's digits do not hang on other rows. Gives how many those are.
 */
export function quantizeTables(graph: onnx.IGraphProto): number {
  const initializers = new Map(graph.initializer!.map((tensor) => [tensor.name!, tensor]))
  const readers = new Map<string, number>()
  for (const node of graph.node!)
    for (const name of inputsOf(node)) readers.set(name, (readers.get(name) ?? 0) + 1)
  let count = 0
  graph.node = graph.node!.flatMap((node) => {
    const [table, indices] = node.input as [string, string]
    const tensor = node.opType === 'Gather' && !node.domain ? initializers.get(table) : undefined
    const values = tensor && readers.get(table) === 1 && !attribute(node, 'axis') ? floats(tensor) : null
    if (values?.dims.length !== 2 || values.dims[0]! < leastRows) return [node]
    const base = `limn_int8_table_${count++}`
    const [rows, width] = values.dims as [number, number]
    const { rounded, scales } = perRow(values)
    graph.initializer!.push(
      { name: `${base}_rows`, dataType: 3, dims: [rows, width], rawData: new Uint8Array(rounded.buffer) },
      { name: `${base}_scales`, dataType: 1, dims: [rows, 1], rawData: new Uint8Array(scales.buffer) },
    )
    const made = (opType: string, input: string[], output: string, more: onnx.IAttributeProto[] = []) => ({
      ...{ opType, name: output, input, output: [output], attribute: more },
    })
    const to = [{ name: 'to', type: 2, i: 1 }]
    return [
      made('Gather', [`${base}_rows`, indices], `${base}_picked`),
      made('Cast', [`${base}_picked`], `${base}_float`, to),
      made('Gather', [`${base}_scales`, indices], `${base}_scale`),
      made('Mul', [`${base}_float`, `${base}_scale`], node.output![0]!),
    ]
  })
  return count
}

function perRow({ dims, data }: Constant) {
  const [rows, width] = dims as [number, number]
  const scales = new Float32Array(rows)
  const rounded = new Int8Array(data.length)
  for (let row = 0; row < rows; row++) {
    let most = 0
    for (let i = row * width; i < (row + 1) * width; i++) most = Math.max(most, Math.abs(data[i]!))
    scales[row] = most / 127 || 1
    for (let i = row * width; i < (row + 1) * width; i++) rounded[i] = Math.round(data[i]! / scales[row]!)
  }
  return { rounded, scales }
}

/**
 * ONNX Runtime's kernels for x64 without VNNI add pairs of products in 16 bits, which overflow with weights beyond 64
 * (2 * 255 * 64 still fits); elsewhere all of the 8 bits are used.
 */
const largestWeight = process.arch !== 'x64' || hasVnni() ? 127 : 64

function hasVnni(): boolean {
  try {
    return /\b(avx512_vnni|avx_vnni|amx_int8)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}

/** Each column's largest weight becomes the largest there is. */
export function perColumn({ dims, data }: Constant, largest = largestWeight) {
  const [k, n] = dims as [number, number]
  const scales = new Float32Array(n)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) scales[j] = Math.max(scales[j]!, Math.abs(data[i * n + j]!))
  for (let j = 0; j < n; j++) scales[j] = scales[j]! / largest || 1
  const rounded = new Int8Array(k * n)
  for (let i = 0; i < k; i++)
    for (let j = 0; j < n; j++) rounded[i * n + j] = Math.round(data[i * n + j]! / scales[j]!)
  return { rounded, scales, zeros: new Int8Array(n) }
}

function turned({ dims, read }: Weights): Weights {
  const [rows, columns] = dims as [number, number]
  return {
    dims: [columns, rows],
    read() {
      const { data } = read()
      const out = new Float32Array(data.length)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!
      return { dims: [columns, rows], data: out }
    },
  }
}

function transposed(node: onnx.INodeProto, of: Weights | null): Weights | null {
  const perm = attribute(node, 'perm')
  const swaps = !perm || (Array.isArray(perm) && perm.join() === '1,0')
  return of?.dims.length === 2 && swaps ? turned(of) : null
}
