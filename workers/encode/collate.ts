/** Makes a session's input of a batch of texts or images, and splits its output into vectors. */
import { ItemError } from '../errors.ts'
import type { BatchItem } from '../runtime/batcher.ts'
import { normalised } from '../similarity/vectors.ts'
import type { SessionInput } from './encoder-session.ts'

export interface EncodeWork extends BatchItem<Float32Array> {
  input: { pixels: Uint8Array } | { ids: number[] }
}

/** Pads texts to the longest of their batch, or without `padToLongest` to their bucket, for kernels of fixed shapes. */
export function collateInputs(batch: readonly EncodeWork[], padToLongest: boolean): SessionInput {
  if ('pixels' in batch[0]!.input)
    return { kind: 'pixels', pixels: batch.map(({ input }) => (input as { pixels: Uint8Array }).pixels) }
  const rows = batch.map(({ input }) => (input as { ids: number[] }).ids)
  const length = padToLongest ? Math.max(...rows.map((row) => row.length)) : Number(batch[0]!.bucket)
  return { kind: 'tokens', rows, length }
}

/** The L2-normalised vector of each row. */
export function splitVectors(vectors: Float32Array, rows: number): (Float32Array | Error)[] {
  const dimensions = vectors.length / rows
  return Array.from({ length: rows }, (_, row) => {
    const vector = normalised(vectors.subarray(row * dimensions, (row + 1) * dimensions))
    return vector ?? new ItemError('INVALID', 'The model gives no finite vector for this input.')
  })
}
