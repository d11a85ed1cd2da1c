/** Weighted prompts: negative weights push away, so a mean is over the absolute weights. */

export interface Weighted {
  weight: number
}

/** A prompt in a model's space. */
export interface WeightedVector extends Weighted {
  /** L2-normalised. */
  vector: Float32Array
}

/** Sum of |weight|. */
export const totalWeight = (items: readonly Weighted[]): number =>
  items.reduce((sum, { weight }) => sum + Math.abs(weight), 0)

/** Sum of weight x value, divided by the sum of |weight|. */
export function weightedMean<T extends Weighted>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + item.weight * value(item), 0) / totalWeight(items)
}

/** Sum of weight x vector: what a search by weighted prompts looks for. Not normalised. */
export function weightedSum(items: readonly WeightedVector[]): Float32Array {
  const sum = new Float64Array(items[0]?.vector.length ?? 0)
  for (const { weight, vector } of items) for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!
  return Float32Array.from(sum)
}
