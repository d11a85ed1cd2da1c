/**
 * Learned scalars out of an ONNX file without loading its weights. A config states the logit scale that training began
 * with; a combined graph often holds the learned one as an initializer named `logit_scale` or `...logit_scale`.
 * Protobuf: onnx.proto, ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.data_type = 2, float_data = 4,
 * name = 8, raw_data = 9.
 */
import { type FileHandle, open } from 'node:fs/promises'

/** A tensor of one number is never longer; everything longer is stepped over. */
const longestScalar = 512

/** The values of the initializers of one float32 whose name ends in one of `names`. */
export async function scalarInitializers<T extends string>(
  file: string,
  names: readonly T[],
): Promise<Partial<Record<T, number>>> {
  const handle = await open(file)
  const found: Partial<Record<T, number>> = {}
  try {
    const { size } = await handle.stat()
    for await (const model of fields(handle, 0, size)) {
      if (model.field !== 7) continue
      for await (const graph of fields(handle, model.start, model.end)) {
        if (graph.field !== 5 || graph.end - graph.start > longestScalar) continue
        const bytes = Buffer.alloc(graph.end - graph.start)
        await handle.read(bytes, 0, bytes.length, graph.start)
        const scalar = readScalar(bytes)
        const name = names.find((name) => scalar && new RegExp(`(^|[./])${name}$`).test(scalar.name))
        if (name && scalar) found[name] = scalar.value
      }
    }
    return found
  } catch (error) {
    // Whether the graph is sound is for ONNX Runtime to say, in better words.
    if (error instanceof RangeError) return found
    throw error
  } finally {
    await handle.close()
  }
}

interface Field {
  field: number
  /** Where a length-delimited value lies; empty for the other wire types. */
  start: number
  end: number
}

/** The fields of a message in the file; what is long is not read. @throws RangeError when it is no protobuf */
async function* fields(handle: FileHandle, from: number, end: number): AsyncGenerator<Field> {
  const window = Buffer.alloc(1 << 16)
  let base = 0
  let filled = 0
  for (let at = from; at < end; ) {
    // A tag and a length take 20 bytes at most.
    if (at < base || at + 20 > base + filled) {
      base = at
      filled = (await handle.read(window, 0, Math.min(window.length, end - at), at)).bytesRead
    }
    const head = readHead(window.subarray(0, filled), at - base)
    at = base + head.next
    yield { field: head.field, start: at, end: at + head.length }
    at += head.length
  }
}

function readHead(bytes: Buffer, from: number): { field: number; length: number; next: number } {
  const tag = varint(bytes, from)
  const field = Math.floor(tag.value / 8)
  const wire = tag.value % 8
  if (wire === 0) return { field, length: 0, next: varint(bytes, tag.next).next }
  if (wire === 1) return { field, length: 8, next: tag.next }
  if (wire === 5) return { field, length: 4, next: tag.next }
  if (wire !== 2) throw new RangeError(`wire type ${wire}`)
  const length = varint(bytes, tag.next)
  return { field, length: length.value, next: length.next }
}

function varint(bytes: Buffer, from: number): { value: number; next: number } {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const byte = bytes.readUInt8(from + i)
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return { value, next: from + i + 1 }
  }
  throw new RangeError('varint of more than 10 bytes')
}

/** Name and value of a TensorProto that holds one float32; null for any other. */
function readScalar(tensor: Buffer): { name: string; value: number } | null {
  let name = ''
  let value: number | null = null
  for (let at = 0; at < tensor.length; ) {
    const { field, length, next } = readHead(tensor, at)
    const content = tensor.subarray(next, next + length)
    if (field === 8) name = content.toString('utf8')
    if ((field === 9 || field === 4) && length === 4) value = content.readFloatLE(0)
    if (field === 2 && varint(tensor, at + 1).value !== 1) return null
    at = next + length
  }
  return value === null ? null : { name, value }
}
