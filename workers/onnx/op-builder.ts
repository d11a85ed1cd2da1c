/** Short names for the nodes that gradient rules, losses and generators write. */
import type { Attributes } from './attributes.ts'

/** The name of a tensor, or a number that becomes a shared constant. */
export type Operand = string | number

/** Writes each operation as a node and gives the name of its output; the subclass says where nodes and constants go. */
export abstract class OpBuilder {
  abstract readonly opset: number
  abstract node(opType: string, inputs: string[], attributes?: Attributes): string
  abstract floats(data: ArrayLike<number>, dims?: readonly number[]): string
  abstract integers(values: readonly number[], dims?: readonly number[]): string

  scalar(value: number): string {
    return this.floats([value])
  }

  op(opType: string, ...operands: Operand[]): string {
    return this.node(
      opType,
      operands.map((operand) => (typeof operand === 'number' ? this.scalar(operand) : operand)),
    )
  }

  add = (a: Operand, b: Operand) => this.op('Add', a, b)
  sub = (a: Operand, b: Operand) => this.op('Sub', a, b)
  mul = (a: Operand, b: Operand) => this.op('Mul', a, b)
  div = (a: Operand, b: Operand) => (typeof b === 'number' ? this.mul(a, 1 / b) : this.op('Div', a, b))
  neg = (a: string) => this.op('Neg', a)
  square = (a: string) => this.op('Mul', a, a)
  sqrt = (a: string) => this.op('Sqrt', a)
  exp = (a: string) => this.op('Exp', a)
  max = (a: Operand, b: Operand) => this.op('Max', a, b)
  matmul = (a: string, b: string) => this.op('MatMul', a, b)
  clip = (a: string, low: number, high: number) => this.op('Clip', a, low, high)
  where = (condition: string, a: Operand, b: Operand) => this.op('Where', condition, a, b)
  float = (a: string) => this.node('Cast', [a], { to: 1 })
  /** 1 where a equals b, else 0. */
  equal = (a: string, b: Operand) => this.float(this.op('Equal', a, b))
  /** 1 where low < a < high, else 0. */
  between = (a: string, low: number, high: number) =>
    this.float(this.op('And', this.op('Greater', a, low), this.op('Less', a, high)))

  shapeOf = (a: string) => this.node('Shape', [a])
  reshape = (a: string, shape: readonly number[]) => this.node('Reshape', [a, this.integers(shape)])
  reshapeLike = (a: string, like: string) => this.node('Reshape', [a, this.shapeOf(like)])
  expandLike = (a: string, like: string) => this.node('Expand', [a, this.shapeOf(like)])
  transpose = (a: string, perm: readonly number[]) => this.node('Transpose', [a], { perm })

  slice(a: string, axis: number, start: number, end: number): string {
    return this.node('Slice', [a, this.integers([start]), this.integers([end]), this.integers([axis])])
  }

  // Axes are an attribute up to a certain operator set and an input from there on.

  sum(a: string, axes: readonly number[], keepdims = true): string {
    return this.#reduce('ReduceSum', 13, a, axes, keepdims)
  }

  mean(a: string, axes: readonly number[], keepdims = true): string {
    return this.#reduce('ReduceMean', 18, a, axes, keepdims)
  }

  reduceMax(a: string, axes: readonly number[], keepdims = true): string {
    return this.#reduce('ReduceMax', 18, a, axes, keepdims)
  }

  unsqueeze(a: string, axes: readonly number[]): string {
    return this.opset >= 13
      ? this.node('Unsqueeze', [a, this.integers(axes)])
      : this.node('Unsqueeze', [a], { axes })
  }

  #reduce(opType: string, axesInputSince: number, a: string, axes: readonly number[], keepdims: boolean) {
    return this.opset >= axesInputSince
      ? this.node(opType, [a, this.integers(axes)], { keepdims: +keepdims })
      : this.node(opType, [a], { axes, keepdims: +keepdims })
  }
}
