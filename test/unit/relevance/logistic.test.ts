import { describe, expect, it } from 'vitest'
import { uniform } from '../../../workers/random.ts'
import { fitLogistic, logitOf, type Sample, sigmoid } from '../../../workers/relevance/logistic.ts'

/** Labels drawn with the probability sigmoid(bias + weights x features). */
function drawn(weights: readonly number[], bias: number, count = 20_000, offset?: number): Sample[] {
  const random = uniform(5)
  return Array.from({ length: count }, () => {
    const features = weights.map((_, i) => (random() - 0.3) * 3 ** i)
    const p = sigmoid((offset ?? 0) + logitOf({ weights: [...weights], bias }, features))
    return { features, label: random() < p ? 1 : 0, weight: 1, ...(offset !== undefined && { offset }) }
  })
}

describe('fitLogistic', () => {
  it('finds the weights that labels were drawn with, on features of any scale', async () => {
    const fit = await fitLogistic(drawn([1.5, -0.7], 0.4))
    expect(fit.weights[0]).toBeCloseTo(1.5, 0)
    expect(fit.weights[1]).toBeCloseTo(-0.7, 0)
    expect(fit.bias).toBeCloseTo(0.4, 0)
  })

  it('leaves to the offset what is known already', async () => {
    const fit = await fitLogistic(drawn([1], 0, 20_000, 2))
    expect(fit.bias).toBeCloseTo(0, 0)
  })

  it('counts a sample as often as its weight says', async () => {
    const sample = (label: 0 | 1, weight: number): Sample => ({ features: [0], label, weight })
    const fit = await fitLogistic([sample(1, 3), sample(0, 1)])
    expect(sigmoid(fit.bias)).toBeCloseTo(0.75, 3)
  })

  it('stays finite where a feature separates the labels, and ignores one that never changes', async () => {
    const samples = Array.from(
      { length: 100 },
      (_, n): Sample => ({ features: [n, 7], label: n < 50 ? 0 : 1, weight: 1 }),
    )
    const fit = await fitLogistic(samples)
    expect(Number.isFinite(fit.weights[0]!)).toBe(true)
    expect(fit.weights[1]).toBe(0)
    expect(sigmoid(logitOf(fit, [99, 7]))).toBeGreaterThan(0.95)
  })
})
