/** The table of messages as the decoder and the encoder use it. */
import { type MessageName, messages, type ScalarName } from './schema.ts'

/** How long a value is: protobuf.dev/programming-guides/encoding. */
export const WireType = { VARINT: 0, FIXED64: 1, DELIMITED: 2, GROUP: 3, GROUP_END: 4, FIXED32: 5 } as const

export interface Field {
  name: string
  number: number
  /** Of one value. */
  type: ScalarName | MessageName
  wireType: number
  repeated: boolean
  /** Lists of numbers lie side by side without tags; older writers tag each. */
  packed: boolean
}

/** A message whose fields are found by name. */
export interface Fields {
  [name: string]: unknown
  unknownFields?: Uint8Array[]
}

export const isMessage = (type: Field['type']): type is MessageName => type in messages

const { VARINT, FIXED32, FIXED64, DELIMITED } = WireType
const wireTypes: Record<ScalarName, number> = {
  ...{ int32: VARINT, int64: VARINT, uint64: VARINT, float: FIXED32, double: FIXED64 },
  ...{ string: DELIMITED, bytes: DELIMITED },
}

export const fieldsOf = Object.fromEntries(
  Object.entries(messages).map(([message, fields]) => [
    message,
    Object.entries(fields).map(([name, [number, declared]]): Field => {
      const type = declared.replace('[]', '') as Field['type']
      const repeated = declared.endsWith('[]')
      const wireType = isMessage(type) ? DELIMITED : wireTypes[type]
      return { name, number, type, wireType, repeated, packed: repeated && wireType !== DELIMITED }
    }),
  ]),
) as Record<MessageName, Field[]>
