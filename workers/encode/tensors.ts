/** Tensors of an encoder session: pixels and tokens of a batch in the type that the graph takes, and its output. */
import * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normaliseInto } from '../images/normalise.ts'
import { padBatch } from './tokenizer.ts'

/** Images as [rows, 3, height, width], normalised by `table`; rows without an image are zero. */
export function pixelTensor(
  images: readonly Uint8Array[],
  rows: number,
  { width, height }: ImageSpec,
  table: Float32Array,
  type: string,
): ort.Tensor {
  const size = 3 * height * width
  const data = new Float32Array(rows * size)
  for (const [row, image] of images.entries()) normaliseInto(data, row * size, image, table)
  const shape = [rows, 3, height, width]
  return type === 'float16'
    ? new ort.Tensor('float16', new Uint16Array(new Float16Array(data).buffer), shape)
    : new ort.Tensor('float32', data, shape)
}

/** Ids, mask or token types, by the name of the graph's input, as [rows, length]. */
export function tokenTensor(
  rows: readonly (readonly number[])[],
  length: number,
  padId: number,
  { name, type }: { name: string; type: string },
): ort.Tensor {
  const { ids, mask } = padBatch(rows, length, padId)
  const data = name.includes('mask') ? mask : name.includes('type') ? mask.fill(0n) : ids
  const shape = [rows.length, length]
  return type === 'int32'
    ? new ort.Tensor('int32', Int32Array.from(data, Number), shape)
    : new ort.Tensor('int64', data, shape)
}

/** A copy, as the tensor's memory goes back to ONNX Runtime. */
export function toFloat32(tensor: ort.Tensor): Float32Array {
  if (tensor.type === 'float32') return (tensor.data as Float32Array).slice()
  if (tensor.type !== 'float16') throw new Error(`embeddings of type ${tensor.type}`)
  const data = tensor.data as unknown as Uint16Array | Float16Array
  return Float32Array.from(
    data instanceof Uint16Array ? new Float16Array(data.buffer, data.byteOffset, data.length) : data,
  )
}
