/** One node as its gradient rule sees it. */

import { GraphError } from '../errors.ts'
import { type Attributes, attribute } from '../onnx/attributes.ts'
import type { Constants } from '../onnx/constants.ts'
import type { Constant } from '../onnx/file.ts'
import { OpBuilder } from '../onnx/op-builder.ts'
import type { Probed } from '../onnx/probe.ts'
import type { NodeProto } from '../onnx/proto/schema.ts'
import type { GraphWriter } from '../onnx/writer.ts'

/** The graph around the node. */
export interface GraphContext {
  writer: GraphWriter
  constants: Constants
  probed: Probed
  /** The gradient of a tensor, null when none has come. */
  gradient(tensor: string): string | null
  /** Whether a tensor depends on the inputs that gradients are with respect to. */
  needsGrad(tensor: string): boolean
}

/** The node's tensors and attributes, its incoming gradient, and the operations that a rule writes. */
export class NodeContext extends OpBuilder {
  readonly #node: NodeProto
  readonly #graph: GraphContext

  constructor(node: NodeProto, graph: GraphContext) {
    super()
    this.#node = node
    this.#graph = graph
  }

  get opType(): string {
    return this.#node.opType!
  }

  get opset(): number {
    return this.#graph.writer.opset
  }

  // Tensors.

  get inputs(): string[] {
    return this.#node.input!
  }

  get outputs(): string[] {
    return this.#node.output!
  }

  /** The first input. */
  get x(): string {
    return this.in(0)
  }

  /** The first output. */
  get y(): string {
    return this.outputs[0]!
  }

  /** The gradient with respect to the first output. */
  get dy(): string {
    return this.gradientOrZeros(0)
  }

  in(i: number): string {
    return this.inputs[i] || this.refuse(`no input ${i}`)
  }

  /** Whether an input is there and leads to the inputs that gradients are with respect to. */
  needsGrad(i: number): boolean {
    return Boolean(this.inputs[i]) && this.#graph.needsGrad(this.inputs[i]!)
  }

  gradientOrZeros(i: number): string {
    const output = this.outputs[i]!
    return this.#graph.gradient(output) ?? this.node('ConstantOfShape', [this.shapeOf(output)])
  }

  /** An output that the node can give beside its first. */
  requireOutput(i: number): string {
    const { outputs } = this
    while (outputs.length <= i) outputs.push('')
    outputs[i] ||= this.#graph.writer.fresh()
    return outputs[i]
  }

  shape(tensor: string): number[] {
    return this.#graph.probed.shapes.get(tensor) ?? this.refuse(`an unknown shape of "${tensor}"`)
  }

  rank(tensor: string): number {
    return this.shape(tensor).length
  }

  size(tensor: string): number {
    return this.shape(tensor).reduce((product, length) => product * length, 1)
  }

  /** The float values of a constant input; null when it is computed. */
  constant(i: number): Constant | null {
    return this.#graph.constants.floats(this.in(i))
  }

  /** The values of an integer input; only those that `valueInputs` lists can be read. */
  values(i: number): number[] {
    const name = this.in(i)
    return (
      this.#graph.probed.values.get(name) ??
      this.#graph.constants.integers(name) ??
      this.refuse(`an input ${i} that depends on the image`)
    )
  }

  // Attributes.

  number(name: string, otherwise: number): number {
    const value = attribute(this.#node, name)
    return typeof value === 'number' ? value : otherwise
  }

  numbers(name: string): number[] | null {
    const value = attribute(this.#node, name)
    return Array.isArray(value) ? value : null
  }

  text(name: string, otherwise: string): string {
    const value = attribute(this.#node, name)
    return typeof value === 'string' ? value : otherwise
  }

  /** An attribute that names a dimension, counted from the front. */
  axis(name: string, otherwise: number, tensor = this.x): number {
    const axis = this.number(name, otherwise)
    return axis < 0 ? axis + this.rank(tensor) : axis
  }

  // The gradient's own nodes and constants.

  node(opType: string, inputs: string[], attributes: Attributes = {}): string {
    return this.#graph.writer.node(opType, inputs, attributes)
  }

  floats(data: ArrayLike<number>, dims?: readonly number[]): string {
    return this.#graph.writer.floats(data, dims)
  }

  integers(values: readonly number[], dims?: readonly number[]): string {
    return this.#graph.writer.integers(values, dims)
  }

  /** @throws GraphError naming the node and the property that its rule cannot treat */
  refuse(property: string): never {
    throw new GraphError(
      `${this.opType} ("${this.#node.name || this.y}") with ${property} has no gradient rule.`,
    )
  }
}
