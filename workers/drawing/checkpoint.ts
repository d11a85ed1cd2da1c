/** A drawing's state between two steps as bytes: the number of steps made, then all of its numbers, as float32. */
import { concat } from '../similarity/vectors.ts'

export function saveCheckpoint(step: number, arrays: readonly Float32Array[]): Uint8Array {
  return new Uint8Array(concat([Float32Array.of(step), ...arrays]).buffer)
}

/** Fills the arrays that `saveCheckpoint` was given; returns the step. @throws Error for another drawing's checkpoint */
export function restoreCheckpoint(saved: Uint8Array, arrays: readonly Float32Array[]): number {
  const numbers = new Float32Array(new Uint8Array(saved).buffer)
  if (numbers.length !== 1 + arrays.reduce((sum, { length }) => sum + length, 0))
    throw new Error('the saved state is of another drawing')
  let offset = 1
  for (const array of arrays) {
    array.set(numbers.subarray(offset, offset + array.length))
    offset += array.length
  }
  return numbers[0]!
}
