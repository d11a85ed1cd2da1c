/** A node's attributes, between their protobuf form and plain numbers, strings and lists. */
import { type AttributeProto, AttributeType, type NodeProto } from './proto/schema.ts'

export type AttributeValue = number | string | readonly number[] | { floats: readonly number[] }
export type Attributes = Record<string, AttributeValue | undefined>

/** Attributes that are floats even when their value is whole. */
const floatAttributes = new Set(['alpha', 'beta', 'epsilon', 'gamma', 'lambd', 'bias', 'scale'])

/** The value of a node's attribute; undefined where it is absent, or a tensor or graph. Some writers leave zeros out. */
export function attribute(node: NodeProto, name: string): number | string | number[] | undefined {
  const found = node.attribute?.find((candidate) => candidate.name === name)
  switch (found?.type) {
    case AttributeType.FLOAT:
      return found.f ?? 0
    case AttributeType.INT:
      return Number(found.i ?? 0)
    case AttributeType.STRING:
      return new TextDecoder().decode(found.s)
    case AttributeType.INTS:
      return found.ints!.map(Number)
    case AttributeType.FLOATS:
      return [...found.floats!]
    default:
      return undefined
  }
}

/** The protobuf form. A whole number is written as an integer unless the attribute is known to be a float. */
export function encodeAttributes(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]): AttributeProto[] => {
    if (value === undefined) return []
    if (typeof value === 'string')
      return [{ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }]
    if (typeof value === 'object')
      return 'floats' in value
        ? [{ name, type: AttributeType.FLOATS, floats: [...value.floats] }]
        : [{ name, type: AttributeType.INTS, ints: [...value] }]
    return floatAttributes.has(name) || !Number.isInteger(value)
      ? [{ name, type: AttributeType.FLOAT, f: value }]
      : [{ name, type: AttributeType.INT, i: value }]
  })
}
