/** Input tensors of an encoder session: pixels and tokens of a batch, in the type that the graph takes. */
import type * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normaliseInto } from '../images/normalise.ts'
import type { InputRole } from '../onnx/inspect/input-roles.ts'
import { floatTensor, integerTensor } from '../onnx/tensors.ts'
import type { TextSpec } from '../registry/text-spec.ts'
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
  return floatTensor(data, [rows, 3, height, width], type)
}

/** Ids, mask, token types or positions as [rows, length]. */
export function tokenTensor(
  rows: readonly (readonly number[])[],
  length: number,
  { padId, padSide }: Pick<TextSpec, 'padId' | 'padSide'>,
  role: InputRole,
  type: string,
): ort.Tensor {
  const { ids, mask } = padBatch(rows, length, padId, padSide)
  const shape = [rows.length, length]
  if (role === 'ids') return integerTensor(ids, shape, type)
  if (role === 'mask') return integerTensor(mask, shape, type)
  // One segment, and positions from 0 on: encoders count them whether they are masked or not.
  const position = (_: bigint, i: number) => (role === 'types' ? 0n : BigInt(i % length))
  return integerTensor(ids.map(position), shape, type)
}
