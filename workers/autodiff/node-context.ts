import type { onnx } from 'onnx-proto'
import { GraphError } from '../errors.ts'
import type { Constant } from '../onnx/file.ts'
import type { Probed } from '../onnx/probe.ts'
import { type Attributes, attribute, type GraphWriter } from '../onnx/writer.ts'

/** What the rules may know of the graph that is differentiated. */
export interface GraphContext {
  writer: GraphWriter
  probed: Probed
  /** The gradient found so far for a tensor, null when none has come. */
  gradient(tensor: string): string | null
  /** Whether the gradient of a tensor leads to what is asked for. */
  needsGrad(tensor: string): boolean
  /** Values of an initializer or Constant; null for what is computed. */
  constant(tensor: string): Constant | null
  /** Values of an integer initializer. */
  integers(tensor: string): number[] | null
}

type Operand = string | number

/** One node seen by its rule: inputs, output, incoming gradient, and short names for the nodes that a rule writes. */
export class NodeContext {
  readonly #node: onnx.INodeProto
  readonly #around: GraphContext
  readonly #writer: GraphWriter

  constructor(node: onnx.INodeProto, around: GraphContext) {
    this.#node = node
    this.#around = around
    this.#writer = around.writer
  }

  // ---- the node

  get inputs(): string[] {
    return this.#node.input!
  }

  get outputs(): string[] {
    return this.#node.output!
  }

  get x(): string {
    return this.in(0)
  }

  get y(): string {
    return this.outputs[0]!
  }

  /** Gradient with respect to the first output. */
  get dy(): string {
    return this.gradientOrZeros(0)
  }

  get opset(): number {
    return this.#writer.opset
  }

  in(i: number): string {
    return this.inputs[i] || this.refuse(`no input ${i}`)
  }

  needsGrad(i: number): boolean {
    return Boolean(this.inputs[i]) && this.#around.needsGrad(this.inputs[i]!)
  }

  gradientOrZeros(i: number): string {
    const output = this.outputs[i]!
    return this.#around.gradient(output) ?? this.node('ConstantOfShape', [this.#writer.shapeOf(output)])
  }

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
  axis(name: string, otherwise: number, of = this.x): number {
    const axis = this.number(name, otherwise)
    return axis < 0 ? axis + this.rank(of) : axis
  }

  shape(tensor: string): number[] {
    return this.#around.probed.shapes.get(tensor) ?? this.refuse(`an unknown shape of "${tensor}"`)
  }

  rank(tensor: string): number {
    return this.shape(tensor).length
  }

  size(tensor: string): number {
    return this.shape(tensor).reduce((product, length) => product * length, 1)
  }

  /** The integers of an input that does not depend on the image. */
  values(i: number): number[] {
    return (
      this.#around.probed.values.get(this.in(i)) ??
      this.#around.integers(this.in(i)) ??
      this.refuse(`an input ${i} that depends on the image`)
    )
  }

  /** An output that the node can give beside its first. */
  requireOutput(i: number): string {
    const outputs = this.#node.output!
    while (outputs.length <= i) outputs.push('')
    outputs[i] ||= this.#writer.fresh()
    return outputs[i]
  }

  refuse(what: string): never {
    throw new GraphError(
      `${this.#node.opType} ("${this.#node.name || this.y}") with ${what} has no gradient rule.`,
    )
  }

  // ---- nodes to write

  node(opType: string, inputs: string[], attributes: Attributes = {}): string {
    return this.#writer.node(opType, inputs, attributes)
  }

  op(opType: string, ...operands: Operand[]): string {
    return this.node(
      opType,
      operands.map((operand) => this.#named(operand)),
    )
  }

  #named(operand: Operand): string {
    return typeof operand === 'number' ? this.#writer.scalar(operand) : operand
  }

  add = (a: Operand, b: Operand) => this.op('Add', a, b)
  sub = (a: Operand, b: Operand) => this.op('Sub', a, b)
  mul = (a: Operand, b: Operand) => this.op('Mul', a, b)
  div = (a: Operand, b: Operand) => (typeof b === 'number' ? this.op('Mul', a, 1 / b) : this.op('Div', a, b))
  neg = (a: string) => this.op('Neg', a)
  where = (condition: string, a: Operand, b: Operand) => this.op('Where', condition, a, b)
  clip = (a: string, low: number, high: number) => this.op('Clip', a, low, high)
  float = (a: string) => this.node('Cast', [a], { to: 1 })
  /** 1 where low < a < high, else 0. */
  between = (a: string, low: number, high: number) =>
    this.float(this.op('And', this.op('Greater', a, low), this.op('Less', a, high)))
  sum = (a: string, axes: number[]) => this.#writer.sum(a, axes, true)
  mean = (a: string, axes: number[]) => this.#writer.mean(a, axes, true)
  slice = (a: string, axis: number, start: number, end: number) => this.#writer.slice(a, axis, start, end)
  unsqueeze = (a: string, axes: number[]) => this.#writer.unsqueeze(a, axes)
  reshape = (a: string, shape: number[]) => this.node('Reshape', [a, this.#writer.integers(shape)])
  reshapeLike = (a: string, like: string) => this.node('Reshape', [a, this.#writer.shapeOf(like)])
  expandLike = (a: string, like: string) => this.node('Expand', [a, this.#writer.shapeOf(like)])
  /** The node itself on another first input. */
  reapply = (a: string) => this.node(this.#node.opType!, [a, ...this.inputs.slice(1)], this.#attributes())

  /** Shaped as `like`, but of this length along one axis. */
  reshapeAxis(a: string, like: string, axis: number, length: number): string {
    // 0 keeps the incoming length only where the ranks agree; the batch is the one that may vary.
    const shape = this.shape(like).map((size, i) => (i === axis ? length : i === 0 ? -1 : size))
    return this.reshape(a, shape)
  }

  transposeLast(a: string): string {
    const rank = this.rank(a)
    if (rank < 2) return this.refuse('a vector as operand')
    const perm = Array.from({ length: rank }, (_, i) => i)
    perm.splice(-2, 2, rank - 1, rank - 2)
    return this.node('Transpose', [a], { perm })
  }

  /** Adds (or, when negative, cuts) so much before and after along each axis. */
  pad(a: string, before: number[], after: number[]): string {
    const pads = [...before, ...after]
    return pads.every((n) => n === 0) ? a : this.node('Pad', [a, this.#writer.integers(pads)])
  }

  #attributes(): Attributes {
    return Object.fromEntries(this.#node.attribute!.map(({ name }) => [name, attribute(this.#node, name!)]))
  }

  // ---- reductions

  #reducedAxes(): number[] {
    const rank = this.rank(this.x)
    const given = this.numbers('axes') ?? (this.inputs[1] ? this.values(1) : [])
    if (given.length === 0)
      return this.number('noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, i) => i)
    return given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
  }

  /** What stands for a reduced tensor, spread over the input's shape again. */
  broadcastBack(a: string): string {
    const axes = this.#reducedAxes()
    const kept = this.number('keepdims', 1) === 1 || axes.length === 0
    return this.expandLike(kept ? a : this.unsqueeze(a, axes), this.x)
  }

  /** How many numbers went into one. The batch is never among them: its length is not known here. */
  reducedCount(): number {
    return this.#reducedAxes().reduce((product, axis) => product * this.shape(this.x)[axis]!, 1)
  }

  // ---- slices and scattering

  /** Where a Slice begins and ends along every axis. */
  sliceRange(): { starts: number[]; ends: number[]; steps: number[] } {
    const size = this.shape(this.x)
    const given = (i: number, name: string) => (this.inputs[i] ? this.values(i) : this.numbers(name))
    const [from, to] = [given(1, 'starts')!, given(2, 'ends')!]
    const axes = given(3, 'axes') ?? from.map((_, i) => i)
    const by = given(4, 'steps') ?? from.map(() => 1)
    const [starts, ends, steps] = [size.map(() => 0), [...size], size.map(() => 1)]
    axes.forEach((raw, i) => {
      const axis = raw < 0 ? raw + size.length : raw
      const length = size[axis]!
      const place = (value: number) => Math.min(length, Math.max(0, value < 0 ? value + length : value))
      starts[axis] = place(from[i]!)
      ends[axis] = place(to[i]!)
      steps[axis] = by[i]!
    })
    return { starts, ends, steps }
  }

  /** Flat positions within `like`, picked as the node picks values: `pick` applies the node to them. */
  indicesLike(like: string, pick: (positions: string) => string): string {
    const count = this.node('Size', [like])
    const positions = this.node('Range', [
      this.#writer.integers([0], []),
      count,
      this.#writer.integers([1], []),
    ])
    return pick(this.reshapeLike(positions, like))
  }

  /** The gradient laid into zeros shaped as the input, at these flat positions; what falls on one place is added up. */
  scatterBack(positions: string): string {
    if (this.opset < 16) return this.refuse(`operator set ${this.opset}; 16 is the least`)
    const zeros = this.node('ConstantOfShape', [this.reshape(this.node('Size', [this.x]), [1])])
    const all = this.#writer.integers([-1])
    const flat = this.node(
      'ScatterElements',
      [zeros, this.node('Reshape', [positions, all]), this.node('Reshape', [this.dy, all])],
      { axis: 0, reduction: 'add' },
    )
    return this.reshapeLike(flat, this.x)
  }

  // ---- windows over images

  /** A convolution's or pooling's window; `auto_pad` is worked out. */
  window() {
    const spatial = this.rank(this.x) - 2
    const ones = new Array(spatial).fill(1)
    const kernel = this.numbers('kernel_shape') ?? this.shape(this.in(1)).slice(2)
    const strides = this.numbers('strides') ?? ones
    const dilations = this.numbers('dilations') ?? ones
    let pads = this.numbers('pads') ?? new Array(spatial * 2).fill(0)
    const auto = this.text('auto_pad', 'NOTSET')
    if (auto.startsWith('SAME')) {
      const sizes = this.shape(this.x).slice(2)
      const total = sizes.map((size, i) => {
        const covered =
          (Math.ceil(size / strides[i]!) - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1
        return Math.max(0, covered - size)
      })
      const less = total.map((n) => Math.floor(n / 2))
      const more = total.map((n) => Math.ceil(n / 2))
      pads = auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less]
    } else if (auto === 'VALID') pads = new Array(spatial * 2).fill(0)
    return { kernel, strides, dilations, pads, group: this.number('group', 1) }
  }

  /**
   * dX of a convolution is the transposed convolution of dY. Of stride 1 it is written as an ordinary convolution with
   * turned weights, for which runtimes have their best kernels.
   */
  convolutionBack(): string {
    const { kernel, strides, dilations, pads, group } = this.window()
    const spatial = kernel.length
    const weights = this.#around.constant(this.in(1))
    const turnedPads = pads.map((pad, i) => dilations[i % spatial]! * (kernel[i % spatial]! - 1) - pad)
    if (weights && strides.every((s) => s === 1) && turnedPads.every((pad) => pad >= 0)) {
      const turned = flipKernel(weights, group)
      return this.node('Conv', [this.dy, this.#writer.floats(turned.data, turned.dims)], {
        kernel_shape: kernel,
        dilations,
        pads: turnedPads,
        group,
      })
    }
    return this.node('ConvTranspose', [this.dy, this.in(1)], {
      kernel_shape: kernel,
      strides,
      dilations,
      pads,
      group,
      output_padding: this.#uncovered(kernel, strides, dilations, pads),
    })
  }

  /** Rows and columns at the end that the last window does not reach. */
  #uncovered(kernel: number[], strides: number[], dilations: number[], pads: number[]): number[] {
    const [input, output] = [this.shape(this.x).slice(2), this.shape(this.y).slice(2)]
    return kernel.map((k, i) => {
      const reached =
        (output[i]! - 1) * strides[i]! + dilations[i]! * (k - 1) + 1 - pads[i]! - pads[i + kernel.length]!
      return input[i]! - reached
    })
  }

  averagePoolBack(): string {
    const { kernel, strides, dilations, pads } = this.window()
    if (this.number('ceil_mode', 0)) return this.refuse('ceil_mode')
    if (dilations.some((d) => d !== 1)) return this.refuse('dilations')
    const input = this.shape(this.x)
    const [channels, sizes, output] = [input[1]!, input.slice(2), this.shape(this.y).slice(2)]
    const area = kernel.reduce((product, k) => product * k, 1)
    const tiles = kernel.every((k, i) => k === strides[i] && sizes[i]! === k * output[i]!)
    if (tiles && pads.every((pad) => pad === 0)) {
      // [n, c, h, w] to [n, c, h, 1, w, 1], spread over the windows.
      const axes = kernel.map((_, i) => 3 + 2 * i)
      const open = this.unsqueeze(this.div(this.dy, area), axes)
      const spread = this.node('Expand', [
        open,
        this.#writer.integers([1, 1, ...kernel.flatMap((k) => [1, k])]),
      ])
      return this.reshapeLike(spread, this.x)
    }
    const included = this.number('count_include_pad', 0) === 1
    const counts = output.map((length, i) =>
      Array.from({ length }, (_, at) => {
        const first = at * strides[i]! - pads[i]!
        return included ? kernel[i]! : Math.min(sizes[i]!, first + kernel[i]!) - Math.max(0, first)
      }),
    )
    const shares = counts
      .reduce((all, line) => all.flatMap((a) => line.map((b) => a * b)), [1])
      .map((n) => 1 / n)
    const share = this.#writer.floats(shares, [1, 1, ...output])
    const ones = this.#writer.floats(new Float32Array(channels * area).fill(1), [channels, 1, ...kernel])
    return this.node('ConvTranspose', [this.mul(this.dy, share), ones], {
      kernel_shape: kernel,
      strides,
      pads,
      group: channels,
      output_padding: this.#uncovered(
        kernel,
        strides,
        kernel.map(() => 1),
        pads,
      ),
    })
  }
}

/** [m, c / group, ...k] to [c, m / group, ...k], each kernel read backwards. */
function flipKernel({ dims, data }: Constant, group: number): Constant {
  const [m, perGroup, ...kernel] = dims as [number, number, ...number[]]
  const area = kernel.reduce((product, k) => product * k, 1)
  const outputs = m / group
  const turned = new Float32Array(data.length)
  for (let g = 0; g < group; g++)
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < perGroup; c++) {
        const from = ((g * outputs + o) * perGroup + c) * area
        const to = ((g * perGroup + c) * outputs + o) * area
        for (let k = 0; k < area; k++) turned[to + k] = data[from + area - 1 - k]!
      }
  return { dims: [perGroup * group, outputs, ...kernel], data: turned }
}
