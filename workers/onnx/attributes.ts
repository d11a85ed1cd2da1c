/** A node's attributes, between their protobuf form and plain numbers, strings and lists. */
import onnxProto, { type onnx } from 'onnx-proto'

const { AttributeType } = onnxProto.onnx.AttributeProto

export type AttributeValue = number | string | readonly number[] | { floats: readonly number[] }
export type Attributes = Record<string, AttributeValue | undefined>

/** Attributes that are floats even when their value is whole. */
const floatAttributes = new Set(['alpha', 'beta', 'epsilon', 'gamma', 'lambd', 'bias', 'scale'])

/** The value of a node's attribute; undefined where it is absent, or a tensor or graph. */
export function attribute(node: onnx.INodeProto, name: string): number | string | number[] | undefined {
  const found = node.attribute?.find((candidate) => candidate.name === name)
  switch (found?.type) {
    case AttributeType.FLOAT:
      return found.f!
    case AttributeType.INT:
      return Number(found.i)
    case AttributeType.STRING:
      return new TextDecoder().decode(found.s!)
    case AttributeType.INTS:
      return found.ints!.map(Number)
    case AttributeType.FLOATS:
      return [...found.floats!]
    default:
      return undefined
  }
}

/** The protobuf form. A whole number is written as an integer unless the attribute is known to be a float. */
export function encodeAttributes(attributes: Attributes): onnx.IAttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]): onnx.IAttributeProto[] => {
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
