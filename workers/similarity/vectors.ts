/** Plain maths on embeddings. Vectors of one call have the same length. */

/** Inner product; for L2-normalised vectors their cosine. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** L2 norm. */
export const norm = (vector: Float32Array): number => Math.sqrt(dot(vector, vector))

/** Cosine of vectors of any norm; NaN where one is all zeros. */
export const cosine = (a: Float32Array, b: Float32Array): number => dot(a, b) / (norm(a) * norm(b))

/** L2-normalised copy; null where the norm is 0 or not finite. */
export function normalised(vector: Float32Array): Float32Array | null {
  const length = norm(vector)
  if (!Number.isFinite(length) || length === 0) return null
  return vector.map((value) => value / length)
}

/** Scaled to a root mean square of 1; as it is where it is all zeros. */
export function toUnitRms(values: Float32Array): Float32Array {
  const rms = Math.sqrt(dot(values, values) / values.length)
  return rms > 0 ? values.map((value) => value / rms) : values
}

/** One after the other. */
export function concat(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}
