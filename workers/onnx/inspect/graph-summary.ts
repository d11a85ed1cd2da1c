/**
 * What an ONNX file says of itself, read without loading its weights: its inputs, the files that hold tensors beside it,
 * and its named scalars. Tensors may sit in a graph's initializers, in attributes of nodes, in subgraphs and functions.
 * The numbers below are fields of onnx.proto.
 */
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { fields, type Part, parts } from '../protobuf.ts'
import { readScalar, type TensorHead, tensorHead } from './tensor-head.ts'

export interface GraphInput {
  name: string
  /** Number of the element type, as onnx.proto has it. */
  elementType: number
  /** Null for a dimension that is open; null altogether where the graph does not say. */
  shape: (number | null)[] | null
}

export interface GraphSummary {
  /** Those that a caller feeds: initializers that older files list as inputs are not among them. */
  inputs: GraphInput[]
  /** Paths of the files that hold tensors, relative to the graph's folder, and how many bytes each must have. */
  external: Map<string, number>
  /** Tensors of one floating-point number, by the name of the initializer or of the output of the Constant. */
  scalars: Map<string, number>
}

type Message = 'model' | 'graph' | 'function' | 'node' | 'attribute' | 'sparse' | 'tensor' | 'input'

const nested: Record<Message, Partial<Record<number, Message>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 11: 'input', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
  input: {},
}

/** A longer message is walked in the file. A longer tensor holds values itself, and more than one. */
const maxInMemory = 1 << 16

/** Null when the file holds no graph. @throws RangeError when it is no protobuf, or cut off */
export async function summariseGraph(file: string): Promise<GraphSummary | null> {
  const handle = await open(file)
  try {
    return await new Walk(handle, path.dirname(file)).run()
  } finally {
    await handle.close()
  }
}

class Walk {
  readonly #handle: FileHandle
  readonly #folder: string
  readonly #inputs: GraphInput[] = []
  readonly #initializers = new Set<string>()
  readonly #external = new Map<string, number>()
  readonly #scalars = new Map<string, number>()
  #window = { start: 0, bytes: Buffer.alloc(0) }
  #foundGraph = false

  constructor(handle: FileHandle, folder: string) {
    this.#handle = handle
    this.#folder = folder
  }

  async run(): Promise<GraphSummary | null> {
    const { size } = await this.#handle.stat()
    await this.#walkFile('model', 0, size, 0)
    if (!this.#foundGraph) return null
    return {
      inputs: this.#inputs.filter(({ name }) => !this.#initializers.has(name)),
      external: this.#external,
      scalars: this.#scalars,
    }
  }

  /** `depth` counts graphs: only the outermost one has inputs that are fed. */
  async #walkFile(message: Message, start: number, end: number, depth: number): Promise<void> {
    for await (const { field, start: from, end: to } of fields(this.#handle, start, end)) {
      const inner = nested[message][field]
      if (!inner) continue
      if (message === 'model' && inner === 'graph') this.#foundGraph = true
      if (to - from <= maxInMemory && inner !== 'graph')
        await this.#visit(inner, await this.#read(from, to), depth, message === 'graph')
      else if (inner !== 'tensor') await this.#walkFile(inner, from, to, depth + Number(inner === 'graph'))
      else this.#initializers.add(await this.#nameOf(from, to))
    }
  }

  async #visit(message: Message, bytes: Buffer, depth: number, isInitializer = false): Promise<void> {
    if (message === 'tensor') return this.#tensor(tensorHead(bytes), isInitializer ? null : '')
    if (message === 'input') {
      if (depth === 1) this.#inputs.push(graphInput(bytes))
      return
    }
    const fieldsOf = [...parts(bytes)]
    if (message === 'node' && textOf(fieldsOf, 4) === 'Constant') return this.#constant(fieldsOf)
    for (const { field, content } of fieldsOf) {
      const inner = nested[message][field]
      if (inner) await this.#visit(inner, content, depth + Number(inner === 'graph'), message === 'graph')
    }
  }

  /** Its value is an attribute, and its name that of the node's output. */
  async #constant(node: Part[]): Promise<void> {
    const name = textOf(node, 2)
    for (const { field, content } of node) {
      if (field !== 5) continue
      const attribute = [...parts(content)]
      const value = attribute.find((part) => part.field === 5)
      const float = attribute.find((part) => part.field === 2)
      if (value) await this.#tensor(tensorHead(value.content), name)
      else if (textOf(attribute, 1) === 'value_float' && float?.content.length === 4)
        this.#scalars.set(name, float.content.readFloatLE(0))
    }
  }

  /** `name` is null where the tensor's own counts. */
  async #tensor(tensor: TensorHead, name: string | null): Promise<void> {
    if (name === null) this.#initializers.add(tensor.name)
    const { external } = tensor
    if (external) {
      const location = path.posix.normalize(external.location)
      this.#external.set(
        location,
        Math.max(this.#external.get(location) ?? 0, external.offset + external.length),
      )
    }
    const value = await readScalar(tensor, this.#folder)
    if (value !== null && name !== '') this.#scalars.set(name ?? tensor.name, value)
  }

  async #nameOf(start: number, end: number): Promise<string> {
    for await (const { field, start: from, end: to } of fields(this.#handle, start, end))
      if (field === 8) return String(await this.#read(from, to))
    return ''
  }

  /** Through a window: a graph has thousands of small messages, one behind the other. */
  async #read(start: number, end: number): Promise<Buffer> {
    const { start: base, bytes } = this.#window
    if (start < base || end > base + bytes.length) {
      const fresh = Buffer.alloc(Math.max(end - start, 4 * maxInMemory))
      const { bytesRead } = await this.#handle.read(fresh, 0, fresh.length, start)
      this.#window = { start, bytes: fresh.subarray(0, bytesRead) }
    }
    return this.#window.bytes.subarray(start - this.#window.start, end - this.#window.start)
  }
}

const find = (message: readonly Part[], field: number) => message.find((part) => part.field === field)
const textOf = (message: readonly Part[], field: number) => String(find(message, field)?.content ?? '')

/** A ValueInfoProto. */
function graphInput(bytes: Buffer): GraphInput {
  const info = [...parts(bytes)]
  const type = find([...parts(find(info, 2)?.content ?? Buffer.alloc(0))], 1)
  const tensor = type ? [...parts(type.content)] : []
  const shape = find(tensor, 2)
  return {
    name: textOf(info, 1),
    elementType: find(tensor, 1)?.value ?? 0,
    shape: shape
      ? [...parts(shape.content)].map(({ content }) => {
          const size = find([...parts(content)], 1)?.value
          return size ? size : null
        })
      : null,
  }
}
