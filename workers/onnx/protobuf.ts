/** Walks protobuf messages without decoding them: in memory, and in a file, of which it never reads long values. */
import type { FileHandle } from 'node:fs/promises'

export interface Field {
  field: number
  /** Where a length-delimited value lies; empty for the other wire types. */
  start: number
  end: number
}

/** The fields of a message in a file, by place alone. @throws RangeError when it is no protobuf, or cut off */
export async function* fields(handle: FileHandle, from: number, end: number): AsyncGenerator<Field> {
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
    if (at + head.length > end) throw new RangeError('cut off')
    yield { field: head.field, start: at, end: at + head.length }
    at += head.length
  }
}

export interface Part {
  field: number
  /** Of a varint. */
  value: number
  /** Of the other wire types. */
  content: Buffer
}

/** The fields of a message in memory. @throws RangeError when it is no protobuf, or cut off */
export function* parts(message: Buffer): Generator<Part> {
  for (let at = 0; at < message.length; ) {
    const { field, value, length, next } = readHead(message, at)
    if (next + length > message.length) throw new RangeError('cut off')
    yield { field, value, content: message.subarray(next, next + length) }
    at = next + length
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
