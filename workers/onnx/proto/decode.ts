/** Protobuf to plain objects. Long values stay views of the given bytes. */
import { type Field, type Fields, fieldsOf, isMessage, WireType } from './fields.ts'
import type { Message, MessageName } from './schema.ts'

/** Fields that the schema lacks are in `unknownFields`. @throws RangeError when the bytes are no such message, or cut off */
export function decode<M extends MessageName>(name: M, bytes: Uint8Array): Message<M> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return new Reader(buffer).message(name, buffer.length) as Message<M>
}

const byNumber = Object.fromEntries(
  Object.entries(fieldsOf).map(([message, fields]) => [
    message,
    new Map(fields.map((field) => [field.number, field])),
  ]),
) as Record<MessageName, Map<number, Field>>

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  message(name: MessageName, end: number): Fields {
    const message: Fields = {}
    for (const { name: field, repeated } of fieldsOf[name]) if (repeated) message[field] = []
    while (this.#at < end) {
      const start = this.#at
      const tag = Number(this.#varint())
      const wireType = tag & 7
      const field = byNumber[name].get(tag >>> 3)
      if (field?.wireType === wireType) {
        const value = this.#value(field.type)
        if (field.repeated) (message[field.name] as unknown[]).push(value)
        else message[field.name] = value
      } else if (field?.packed && wireType === WireType.DELIMITED) {
        const list = message[field.name] as unknown[]
        for (const last = this.#endOfValue(); this.#at < last; ) list.push(this.#value(field.type))
      } else {
        this.#skip(tag)
        message.unknownFields ??= []
        message.unknownFields.push(this.#bytes.subarray(start, this.#at))
      }
    }
    if (this.#at > end) throw new RangeError('a field is longer than its message')
    return message
  }

  #value(type: Field['type']): unknown {
    if (isMessage(type)) return this.message(type, this.#endOfValue())
    switch (type) {
      case 'int32': {
        const value = this.#varint()
        return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value))
      }
      case 'int64': {
        const value = this.#varint()
        return typeof value === 'number' ? value : numberIfExact(BigInt.asIntN(64, value))
      }
      case 'uint64':
        return this.#varint()
      case 'float':
        return this.#bytes.readFloatLE(this.#advance(4))
      case 'double':
        return this.#bytes.readDoubleLE(this.#advance(8))
    }
    const end = this.#endOfValue()
    const start = this.#advance(end - this.#at)
    return type === 'string' ? this.#bytes.toString('utf8', start, end) : this.#bytes.subarray(start, end)
  }

  #varint(): number | bigint {
    let value = 0
    for (let i = 0; i < 7; i++) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 127) * 2 ** (7 * i)
      if (byte < 128) return value
    }
    let big = BigInt(value)
    for (let i = 7; i < 10; i++) {
      const byte = this.#bytes.readUInt8(this.#at++)
      big += BigInt(byte & 127) << BigInt(7 * i)
      if (byte < 128) return numberIfExact(BigInt.asUintN(64, big))
    }
    throw new RangeError('a varint of more than 10 bytes')
  }

  /** Reads the length of a value. */
  #endOfValue(): number {
    const end = Number(this.#varint()) + this.#at
    if (end > this.#bytes.length) throw new RangeError('cut off')
    return end
  }

  /** Gives the place before. */
  #advance(length: number): number {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('cut off')
    return start
  }

  #skip(tag: number): void {
    if (tag >>> 3 === 0) throw new RangeError('field 0')
    switch (tag & 7) {
      case WireType.VARINT:
        this.#varint()
        break
      case WireType.FIXED64:
        this.#advance(8)
        break
      case WireType.FIXED32:
        this.#advance(4)
        break
      case WireType.DELIMITED:
        this.#at = this.#endOfValue()
        break
      case WireType.GROUP:
        for (;;) {
          const inner = Number(this.#varint())
          if ((inner & 7) === WireType.GROUP_END) return
          this.#skip(inner)
        }
      default:
        throw new RangeError(`wire type ${tag & 7}`)
    }
  }
}

const numberIfExact = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
