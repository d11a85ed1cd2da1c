/** Walks protobuf messages without decoding them: in memory, and in a file without reading long values. */
import type { FileHandle } from 'node:fs/promises'

export interface Field {
  field: number
  /** The range of a length-delimited value; empty for the other wire types. */
  start: number
  end: number
}

/** The fields of a message in a file. @throws RangeError when it is not protobuf, or cut off */
export async function* fields(handle: FileHandle, from: number, end: number): AsyncGenerator<Field> {
  const window = Buffer.alloc(1 << 16)
  let base = 0
  let filled = 0
  for (let offset = from; offset < end; ) {
    // A tag and a length take 20 bytes at most.
    if (offset < base || offset + 20 > base + filled) {
      base = offset
      filled = (await handle.read(window, 0, Math.min(window.length, end - offset), offset)).bytesRead
    }
    const head = readHead(window.subarray(0, filled), offset - base)
    offset = base + head.next
    if (offset + head.length > end) throw new RangeError('cut off')
    yield { field: head.field, start: offset, end: offset + head.length }
    offset += head.length
  }
}

export interface Part {
  field: number
  /** Of a varint. */
  value: number
  /** Of the other wire types. */
  content: Buffer
}

/** The fields of a message in memory. @throws RangeError when it is not protobuf, or cut off */
export function* parts(message: Buffer): Generator<Part> {
  for (let offset = 0; offset < message.length; ) {
    const { field, value, length, next } = readHead(message, offset)
    if (next + length > message.length) throw new RangeError('cut off')
    yield { field, value, content: message.subarray(next, next + length) }
    offset = next + length
  }
}

function readHead(bytes: Buffer, from: number) {
  const tag = varint(bytes, from)
  const field = Math.floor(tag.value / 8)
  const wire = tag.value % 8
  if (field === 0) throw new RangeError('field 0')
  if (wire === 0) return { field, length: 0, ...varint(bytes, tag.next) }
  if (wire === 1) return { field, value: 0, length: 8, next: tag.next }
  if (wire === 5) return { field, value: 0, length: 4, next: tag.next }
  if (wire !== 2) throw new RangeError(`wire type ${wire}`)
  const length = varint(bytes, tag.next)
  return { field, value: 0, length: length.value, next: length.next }
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
