/** Plain objects to protobuf: sizes first, so that a model of any size is written into one buffer once. */
import { type Field, type Fields, fieldsOf, isMessage, WireType } from './fields.ts'
import type { Message, MessageName } from './schema.ts'

/** Unknown fields follow the known ones of their message, byte for byte. */
export function encode<M extends MessageName>(name: M, message: Message<M>): Uint8Array {
  const sizes: number[] = []
  const size = messageSize(name, message as Fields, sizes)
  const writer = new Writer(size, sizes)
  writer.message(name, message as Fields)
  return writer.bytes
}

type Scalar = number | bigint | string | Uint8Array

/** `sizes` gains those of the messages and packed lists within, in the order of writing. */
function messageSize(name: MessageName, message: Fields, sizes: number[]): number {
  let size = 0
  const delimited = (length: number) => varintSize(length) + length
  for (const field of fieldsOf[name]) {
    const { type, packed } = field
    const values = valuesOf(message, field)
    if (values.length === 0) continue
    const tagSize = varintSize(field.number * 8)
    if (packed) {
      let length = 0
      for (const value of values) length += scalarSize(type, value as Scalar)
      sizes.push(length)
      size += tagSize + delimited(length)
      continue
    }
    for (const value of values) {
      size += tagSize
      if (isMessage(type)) {
        const slot = sizes.push(0) - 1
        sizes[slot] = messageSize(type, value as Fields, sizes)
        size += delimited(sizes[slot])
      } else size += scalarSize(type, value as Scalar)
    }
  }
  for (const bytes of message.unknownFields ?? []) size += bytes.length
  return size
}

function scalarSize(type: Field['type'], value: Scalar): number {
  if (type === 'float') return 4
  if (type === 'double') return 8
  if (typeof value === 'number' || typeof value === 'bigint') return varintSize(value)
  const length = lengthOf(value)
  return varintSize(length) + length
}

function valuesOf(message: Fields, { name, repeated }: Field): readonly unknown[] {
  const value = message[name]
  if (value === undefined || value === null) return []
  return repeated ? (value as unknown[]) : [value]
}

const lengthOf = (value: string | Uint8Array): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length

function varintSize(value: number | bigint): number {
  if (value < 0) return 10
  let size = 1
  for (let limit = 128; value >= limit; limit *= 128) size++
  return size
}

class Writer {
  readonly bytes: Buffer
  readonly #sizes: Iterator<number>
  #at = 0

  constructor(size: number, sizes: readonly number[]) {
    this.bytes = Buffer.allocUnsafe(size)
    this.#sizes = sizes.values()
  }

  message(name: MessageName, message: Fields): void {
    for (const field of fieldsOf[name]) {
      const { type, packed } = field
      const values = valuesOf(message, field)
      if (values.length === 0) continue
      if (packed) {
        this.#varint(field.number * 8 + WireType.DELIMITED)
        this.#varint(this.#sizes.next().value!)
        for (const value of values) this.#scalar(type, value as Scalar)
        continue
      }
      for (const value of values) {
        this.#varint(field.number * 8 + field.wireType)
        if (isMessage(type)) {
          this.#varint(this.#sizes.next().value!)
          this.message(type, value as Fields)
        } else this.#scalar(type, value as Scalar)
      }
    }
    for (const bytes of message.unknownFields ?? []) this.#raw(bytes)
  }

  #scalar(type: Field['type'], value: Scalar): void {
    if (type === 'float') this.#at = this.bytes.writeFloatLE(value as number, this.#at)
    else if (type === 'double') this.#at = this.bytes.writeDoubleLE(value as number, this.#at)
    else if (typeof value === 'string') {
      this.#varint(lengthOf(value))
      this.#at += this.bytes.write(value, this.#at)
    } else if (typeof value === 'object') {
      this.#varint(value.length)
      this.#raw(value)
    } else this.#varint(value)
  }

  #varint(value: number | bigint): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      let rest = Number(value)
      for (; rest >= 128; rest = Math.floor(rest / 128)) this.bytes[this.#at++] = (rest % 128) | 128
      this.bytes[this.#at++] = rest
      return
    }
    // Negative numbers are written in two's complement of 64 bits.
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest >= 128n; rest >>= 7n) this.bytes[this.#at++] = Number(rest & 127n) | 128
    this.bytes[this.#at++] = Number(rest)
  }

  #raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }
}
