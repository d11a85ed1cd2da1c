/** Convolutions and pooling: windows that move over an image. */
import type { Constant } from '../../onnx/file.ts'
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'
import { scatterBack } from './scatter.ts'

export const convolution: Rules = {
  Conv: (o) => [o.needsGrad(0) ? convolutionBack(o) : null],
  // Y is the gradient of a convolution; its own gradient is that convolution.
  ConvTranspose(o) {
    if (o.numbers('output_shape') || o.text('auto_pad', 'NOTSET') !== 'NOTSET')
      return o.refuse('output_shape or auto_pad')
    const { kernel, strides, dilations, pads, group } = windowOf(o)
    const attributes = { kernel_shape: kernel, strides, dilations, pads, group }
    return [o.needsGrad(0) ? o.node('Conv', [o.dy, o.in(1)], attributes) : null]
  },
  GlobalAveragePool: (o) => [o.div(o.expandLike(o.dy, o.x), o.size(o.x) / o.size(o.y))],
  GlobalMaxPool: (o) => [o.mul(o.dy, o.equal(o.x, o.y))],
  AveragePool: (o) => [averagePoolBack(o)],
  // The second output holds the position of each maximum.
  MaxPool: (o) => [
    o.number('storage_order', 0) ? o.refuse('storage_order') : scatterBack(o, o.requireOutput(1)),
  ],
}

/** One number for each spatial dimension; pads are those before, then those after. */
interface Window {
  kernel: number[]
  strides: number[]
  dilations: number[]
  pads: number[]
  group: number
}

/** The window of a convolution or pooling, its pads computed where `auto_pad` leaves them open. */
function windowOf(o: NodeContext): Window {
  const sizes = o.shape(o.x).slice(2)
  const ones = sizes.map(() => 1)
  const kernel = o.numbers('kernel_shape') ?? o.shape(o.in(1)).slice(2)
  const strides = o.numbers('strides') ?? ones
  const dilations = o.numbers('dilations') ?? ones
  const none = [...sizes, ...sizes].map(() => 0)
  const window = { kernel, strides, dilations, group: o.number('group', 1) }
  const auto = o.text('auto_pad', 'NOTSET')
  if (auto === 'VALID') return { ...window, pads: none }
  if (!auto.startsWith('SAME')) return { ...window, pads: o.numbers('pads') ?? none }
  const total = sizes.map((size, i) => {
    const covered = (Math.ceil(size / strides[i]!) - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1
    return Math.max(0, covered - size)
  })
  const lower = total.map((n) => Math.floor(n / 2))
  const upper = total.map((n) => Math.ceil(n / 2))
  return { ...window, pads: auto === 'SAME_UPPER' ? [...lower, ...upper] : [...upper, ...lower] }
}

/**
 * dX of a convolution is the transposed convolution of dY. Of stride 1 it is written as an ordinary convolution with
 * flipped weights, for which runtimes have their best kernels.
 */
function convolutionBack(o: NodeContext): string {
  const window = windowOf(o)
  const { kernel, strides, dilations, pads, group } = window
  const weights = o.constant(1)
  const flippedPads = pads.map((pad, i) => {
    const axis = i % kernel.length
    return dilations[axis]! * (kernel[axis]! - 1) - pad
  })
  if (weights && strides.every((s) => s === 1) && flippedPads.every((pad) => pad >= 0)) {
    const flipped = flipKernel(weights, group)
    return o.node('Conv', [o.dy, o.floats(flipped.data, flipped.dims)], {
      kernel_shape: kernel,
      dilations,
      pads: flippedPads,
      group,
    })
  }
  return o.node('ConvTranspose', [o.dy, o.in(1)], {
    kernel_shape: kernel,
    strides,
    dilations,
    pads,
    group,
    output_padding: remainder(o, window),
  })
}

/** Rows and columns at the end that the last window does not reach. */
function remainder(o: NodeContext, { kernel, strides, dilations, pads }: Window): number[] {
  const [input, output] = [o.shape(o.x).slice(2), o.shape(o.y).slice(2)]
  return kernel.map((k, i) => {
    const extent = dilations[i]! * (k - 1) + 1
    const reached = (output[i]! - 1) * strides[i]! + extent - pads[i]! - pads[i + kernel.length]!
    return input[i]! - reached
  })
}

function averagePoolBack(o: NodeContext): string {
  const window = windowOf(o)
  const { kernel, strides, pads } = window
  if (o.number('ceil_mode', 0)) return o.refuse('ceil_mode')
  if (window.dilations.some((d) => d !== 1)) return o.refuse('dilations')
  const [, channels, ...sizes] = o.shape(o.x) as [number, number, ...number[]]
  const output = o.shape(o.y).slice(2)
  const area = kernel.reduce((product, k) => product * k, 1)
  const tiles = kernel.every((k, i) => k === strides[i] && sizes[i]! === k * output[i]!)
  if (tiles && pads.every((pad) => pad === 0)) {
    // [n, c, h, w] to [n, c, h, 1, w, 1], repeated over the windows.
    const split = o.unsqueeze(
      o.div(o.dy, area),
      kernel.map((_, i) => 3 + 2 * i),
    )
    const repeats = o.integers([1, 1, ...kernel.flatMap((k) => [1, k])])
    return o.reshapeLike(o.node('Expand', [split, repeats]), o.x)
  }
  const includesPads = o.number('count_include_pad', 0) === 1
  const counts = output.map((length, i) =>
    Array.from({ length }, (_, position) => {
      const first = position * strides[i]! - pads[i]!
      return includesPads ? kernel[i]! : Math.min(sizes[i]!, first + kernel[i]!) - Math.max(0, first)
    }),
  )
  const shares = counts
    .reduce((all, line) => all.flatMap((a) => line.map((b) => a * b)), [1])
    .map((count) => 1 / count)
  const share = o.floats(shares, [1, 1, ...output])
  const ones = o.floats(new Float32Array(channels * area).fill(1), [channels, 1, ...kernel])
  return o.node('ConvTranspose', [o.mul(o.dy, share), ones], {
    kernel_shape: kernel,
    strides,
    pads,
    group: channels,
    output_padding: remainder(o, window),
  })
}

/** [m, c / group, ...k] to [c, m / group, ...k], each kernel read backwards. */
function flipKernel({ dims, data }: Constant, group: number): Constant {
  const [m, perGroup, ...kernel] = dims as [number, number, ...number[]]
  const area = kernel.reduce((product, k) => product * k, 1)
  const outputs = m / group
  const flipped = new Float32Array(data.length)
  for (let g = 0; g < group; g++)
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < perGroup; c++) {
        const from = ((g * outputs + o) * perGroup + c) * area
        const to = ((g * perGroup + c) * outputs + o) * area
        for (let k = 0; k < area; k++) flipped[to + k] = data[from + area - 1 - k]!
      }
  return { dims: [perGroup * group, outputs, ...kernel], data: flipped }
}
