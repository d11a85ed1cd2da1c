/** The two passes of resampling, in WebAssembly's vector instructions: five times as fast as loops in JavaScript. */
import { readFileSync } from 'node:fs'
import type { Raster } from '../raster.ts'
import type { Taps } from './taps.ts'

/** resample.wat describes the arguments. */
interface Passes extends WebAssembly.Exports {
  memory: WebAssembly.Memory
  across(
    line: number,
    bytes: number,
    lines: number,
    places: number,
    weights: number,
    stride: number,
    width: number,
    out: number,
  ): void
  down(line: number, bytes: number, weights: number, pairs: number, out: number): void
}

const module = new WebAssembly.Module(readFileSync(new URL('./resample.wasm', import.meta.url)))
const page = 65_536
/** Bytes of lines that go through the first pass at once; a longer line goes alone. */
const strip = 2 ** 20
/** SIMD loads and stores may run this many bytes past the end. */
const spill = 16
/** A thread drops its memory when an image took more than this. */
const maxKept = 2 ** 24

let held: Passes | null = null

function withMemory<T>(bytes: number, work: (passes: Passes, memory: ArrayBuffer) => T): T {
  held ??= new WebAssembly.Instance(module).exports as Passes
  const lacking = Math.ceil((bytes - held.memory.buffer.byteLength) / page)
  if (lacking > 0) held.memory.grow(lacking)
  try {
    return work(held, held.memory.buffer)
  } finally {
    if (held.memory.buffer.byteLength > maxKept) held = null
  }
}

/** Resizes the rows first..first+rows of an image to `width`: an RGB row for each. */
export function across(source: Raster, taps: Taps, width: number, first: number, rows: number): Uint8Array {
  const bytes = source.width * 3
  const lines = Math.max(1, Math.min(rows, Math.floor(strip / bytes)))
  const packed = pack(taps)
  const places = 0
  const weights = width * 8
  const input = weights + packed.byteLength
  const output = input + lines * bytes + spill
  return withMemory(output + lines * width * 3 + spill, (passes, memory) => {
    const view = new Uint8Array(memory)
    new Int32Array(memory, places, width * 2).set(
      taps.bounds.map((value, i) => (i % 2 ? (value + 1) >> 1 : value * 3)),
    )
    new Int16Array(memory, weights, packed.length).set(packed)
    const out = new Uint8Array(rows * width * 3)
    for (let row = 0; row < rows; row += lines) {
      const count = Math.min(lines, rows - row)
      const from = (first + row) * bytes
      view.set(source.data.subarray(from, from + count * bytes), input)
      passes.across(input, bytes, count, places, weights, packed.byteLength / width, width, output)
      out.set(view.subarray(output, output + count * width * 3), row * width * 3)
    }
    return out
  })
}

/** Resizes rows of `bytes` samples, the first of which is the source's row `first`, to `height` rows. */
export function down(rows: Uint8Array, taps: Taps, bytes: number, height: number, first: number): Uint8Array {
  const packed = pack(taps)
  const stride = packed.byteLength / height
  const weights = 0
  const output = weights + packed.byteLength
  const input = output + bytes + spill
  return withMemory(input + (taps.stride + 1) * bytes + spill, (passes, memory) => {
    const view = new Uint8Array(memory)
    new Int16Array(memory, weights, packed.length).set(packed)
    const out = new Uint8Array(height * bytes)
    for (let y = 0; y < height; y++) {
      const low = (taps.bounds[y * 2]! - first) * bytes
      const count = taps.bounds[y * 2 + 1]!
      view.set(rows.subarray(low, low + count * bytes), input)
      passes.down(input, bytes, weights + y * stride, (count + 1) >> 1, output)
      out.set(view.subarray(output, output + bytes), y * bytes)
    }
    return out
  })
}

/** Weights as resample.wat reads them: by pairs of taps, each weight split into 2048 * high + low. */
function pack({ weights, stride }: Taps): Int16Array {
  const pairs = (stride + 1) >> 1
  const outputs = weights.length / stride
  const packed = new Int16Array(outputs * pairs * 4)
  for (let i = 0; i < outputs; i++)
    for (let k = 0; k < stride; k++) {
      const weight = weights[i * stride + k]!
      const place = (i * pairs + (k >> 1)) * 4 + (k & 1)
      packed[place] = weight >> 11
      packed[place + 2] = weight & 2047
    }
  return packed
}
