/** A TensorProto by its name, its type and where its values lie; the numbers are fields of onnx.proto. */
import { open } from 'node:fs/promises'
import path from 'node:path'
import { parts } from '../protobuf.ts'

export interface TensorHead {
  name: string
  type: number
  /** Values in the message itself, as far as a scalar has them. */
  raw: Buffer
  int: number | null
  external: { location: string; offset: number; length: number } | null
}

export function tensorHead(message: Buffer): TensorHead {
  const head: TensorHead = { name: '', type: 0, raw: Buffer.alloc(0), int: null, external: null }
  const entries: Record<string, string> = {}
  for (const { field, value, content } of parts(message)) {
    if (field === 8) head.name = String(content)
    if (field === 2) head.type = value
    // float_data, raw_data and double_data hold the same bytes for one number.
    if (field === 4 || field === 9 || field === 10) head.raw = content
    // int32_data holds the bits of half precision: one number is a varint, alone or as a list of one.
    if (field === 5) head.int = content.length > 0 ? readVarint(content) : value
    if (field === 13) {
      const [key, text] = [...parts(content)].sort((a, b) => a.field - b.field)
      if (key && text) entries[String(key.content)] = String(text.content)
    }
  }
  if (entries.location)
    head.external = {
      location: entries.location,
      offset: Number(entries.offset ?? 0),
      length: Number(entries.length ?? 0),
    }
  return head
}

/** Bytes of one number, by type: float, float16, double, bfloat16. */
const sizes: Record<number, number> = { 1: 4, 10: 2, 11: 8, 16: 2 }

/** The number of a tensor that holds one floating-point number; null for any other, or when its file is missing. */
export async function readScalar(tensor: TensorHead, folder: string): Promise<number | null> {
  const size = sizes[tensor.type]
  if (!size) return null
  if (tensor.external?.length === size) {
    const bytes = await readAt(path.join(folder, tensor.external.location), tensor.external.offset, size)
    return bytes && numberOf(bytes, tensor.type)
  }
  if (tensor.raw.length === size) return numberOf(tensor.raw, tensor.type)
  if (size !== 2 || tensor.int === null) return null
  return numberOf(Buffer.from(Uint16Array.of(tensor.int).buffer), tensor.type)
}

function numberOf(bytes: Buffer, type: number): number {
  if (type === 1) return bytes.readFloatLE(0)
  if (type === 11) return bytes.readDoubleLE(0)
  const bits = bytes.readUInt16LE(0)
  return type === 10
    ? new Float16Array(Uint16Array.of(bits).buffer)[0]!
    : new Float32Array(Uint32Array.of(bits * 65536).buffer)[0]!
}

async function readAt(file: string, offset: number, size: number): Promise<Buffer | null> {
  const handle = await open(file).catch(() => null)
  if (!handle) return null
  try {
    const bytes = Buffer.alloc(size)
    const { bytesRead } = await handle.read(bytes, 0, size, offset)
    return bytesRead === size ? bytes : null
  } finally {
    await handle.close()
  }
}

/** Null for a list of more than one. */
function readVarint(bytes: Buffer): number | null {
  const last = bytes.findIndex((byte) => byte < 128)
  if (last !== bytes.length - 1) return null
  return bytes.reduce((sum, byte, i) => sum + (byte & 127) * 2 ** (7 * i), 0)
}
