import { dot } from '../similarity/vectors.ts'

/** How a prompt stands to images that are always the same: what its cosines are like when nothing is meant by them. */
export interface Stance {
  /** Cosines with the backdrop: mean, standard deviation, mean of the ten best. */
  mean: number
  spread: number
  best: number
}

/** The images of the sample library that prompts are measured against, as a model sees them. */
export class Backdrop {
  readonly #vectors: readonly Float32Array[]

  /** @param vectors L2-normalised, ten at the least */
  constructor(vectors: readonly Float32Array[]) {
    this.#vectors = vectors
  }

  stance(prompt: Float32Array): Stance {
    const cosines = Float64Array.from(this.#vectors, (vector) => dot(prompt, vector)).sort()
    const { length } = cosines
    const mean = cosines.reduce((sum, value) => sum + value, 0) / length
    const spread = Math.sqrt(cosines.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length)
    const best = cosines.subarray(length - 10).reduce((sum, value) => sum + value, 0) / 10
    return { mean, spread, best }
  }

  /** Bytes of -127..127 for each vector's numbers, its greatest being 127, as base64. */
  pack(): string {
    const size = this.#vectors[0]!.length
    const bytes = new Int8Array(this.#vectors.length * size)
    for (const [n, vector] of this.#vectors.entries()) {
      const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      bytes.set(
        vector.map((value) => Math.round((127 * value) / largest)),
        n * size,
      )
    }
    return Buffer.from(bytes.buffer).toString('base64')
  }

  /** @throws RangeError when it is not of this length */
  static unpack(packed: string, dimensions: number): Backdrop {
    const bytes = Buffer.from(packed, 'base64')
    const count = bytes.length / dimensions
    if (!Number.isInteger(count) || count < 10) throw new RangeError('no backdrop of these dimensions')
    const numbers = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    return new Backdrop(
      Array.from({ length: count }, (_, n) => {
        const vector = Float32Array.from(numbers.subarray(n * dimensions, (n + 1) * dimensions))
        const length = Math.sqrt(dot(vector, vector))
        return vector.map((value) => value / length)
      }),
    )
  }
}
