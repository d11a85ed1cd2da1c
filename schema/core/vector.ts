import { ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { norm } from '../../workers/similarity/vectors.ts'

export type VectorFormat = 'FLOAT32' | 'FLOAT16'

// Every platform that Node runs on today is little-endian; a big-endian one would need a byte swap here.

/** Packs a vector as the contract's Vector scalar. */
export function packVector(vector: Float32Array, format: VectorFormat): string {
  const packed = format === 'FLOAT16' ? new Float16Array(vector) : vector
  return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength).toString('base64')
}

/** The bytes of a Vector given as input, before they are read as numbers. */
export function vectorBytes(text: string): Uint8Array {
  if (text.length > limits.vectorLength)
    throw new ItemError(
      'WRONG_DIMENSIONS',
      `The vector has ${text.length} characters; at most ${limits.vectorLength} are read.`,
      { limit: limits.vectorLength, given: text.length },
    )
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new ItemError('INVALID', 'The vector is not base64.')
  return Buffer.from(text, 'base64')
}

/**
 * Reads a Vector given as input: float32 or, at half the length, float16. Returns it L2-normalised.
 * @throws ItemError WRONG_DIMENSIONS, or INVALID for numbers that are not finite or all zero
 */
export function unpackVector(bytes: Uint8Array, dimensions: number, model: string): Float32Array {
  // A copy: the bytes may lie anywhere in a larger pool, and numbers need their alignment.
  const aligned = new Uint8Array(bytes).buffer
  let vector: Float32Array
  if (bytes.byteLength === dimensions * 4) vector = new Float32Array(aligned)
  else if (bytes.byteLength === dimensions * 2) vector = Float32Array.from(new Float16Array(aligned))
  else
    throw new ItemError(
      'WRONG_DIMENSIONS',
      `The vector has ${bytes.byteLength} bytes (${+(bytes.byteLength / 4).toFixed(2)} float32 numbers); vectors of ${model} have ${dimensions} numbers: ${dimensions * 4} bytes as float32, ${dimensions * 2} as float16.`,
    )
  const length = norm(vector)
  if (!Number.isFinite(length))
    throw new ItemError('INVALID', 'The vector holds a number that is not finite.')
  if (length === 0) throw new ItemError('INVALID', 'The vector is all zeros: it points nowhere.')
  for (let i = 0; i < vector.length; i++) vector[i]! /= length
  return vector
}
