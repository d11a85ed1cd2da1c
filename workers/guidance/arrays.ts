/** One after the other. */
export function concat(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Cosine of any vector with one of length 1. */
export function cosineTo(vector: Float32Array, unit: Float32Array): number {
  let [product, square] = [0, 0]
  for (let i = 0; i < unit.length; i++) {
    product += vector[i]! * unit[i]!
    square += vector[i]! ** 2
  }
  return product / Math.sqrt(square)
}
