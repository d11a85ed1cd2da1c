/** Ridge logistic regression, small enough to be fitted on the machine that uses it. */

/** Probability = sigmoid(bias + sum of weight x feature). */
export interface Logistic {
  weights: number[]
  bias: number
}

export interface Sample {
  features: readonly number[]
  label: 0 | 1
  /** How much it counts; not negative. */
  weight: number
  /** Added to the logit as it is: what is known before. */
  offset?: number
}

const steps = 40
/** Per sample, on standardised features; the bias is free. */
const ridge = 1e-3
/** Samples that are gone through before other work has its turn. */
const slice = 4096

export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}

export const logitOf = ({ weights, bias }: Logistic, features: readonly number[]): number =>
  weights.reduce((sum, weight, i) => sum + weight * features[i]!, bias)

/**
 * The weights of greatest likelihood under a ridge, by Newton's method (iteratively reweighted least squares). It gives
 * way to other work between slices. Features that never change get the weight 0.
 */
export async function fitLogistic(samples: readonly Sample[]): Promise<Logistic> {
  const size = samples[0]?.features.length ?? 0
  const total = samples.reduce((sum, { weight }) => sum + weight, 0)
  const mean = new Float64Array(size)
  const scale = new Float64Array(size)
  for (const { features, weight } of samples)
    for (let i = 0; i < size; i++) mean[i]! += (weight * features[i]!) / total
  for (const { features, weight } of samples)
    for (let i = 0; i < size; i++) scale[i]! += (weight * (features[i]! - mean[i]!) ** 2) / total
  for (let i = 0; i < size; i++) scale[i] = scale[i]! > 1e-18 ? 1 / Math.sqrt(scale[i]!) : 0

  const count = size + 1
  const beta = new Float64Array(count)
  const row = new Float64Array(count).fill(1)
  for (let step = 0; step < steps; step++) {
    const gradient = new Float64Array(count)
    const hessian = Array.from({ length: count }, () => new Float64Array(count))
    for (const [n, { features, label, weight, offset = 0 }] of samples.entries()) {
      if (n % slice === 0) await new Promise(setImmediate)
      let logit = offset + beta[size]!
      for (let i = 0; i < size; i++) {
        row[i] = (features[i]! - mean[i]!) * scale[i]!
        logit += beta[i]! * row[i]!
      }
      const p = sigmoid(logit)
      const curvature = weight * p * (1 - p)
      for (let i = 0; i < count; i++) {
        gradient[i]! += weight * (p - label) * row[i]!
        const line = hessian[i]!
        for (let j = 0; j <= i; j++) line[j]! += curvature * row[i]! * row[j]!
      }
    }
    for (let i = 0; i < size; i++) {
      gradient[i]! += ridge * total * beta[i]!
      hessian[i]![i]! += ridge * total
    }
    hessian[size]![size]! += 1e-9 * total
    const change = solve(hessian, gradient)
    for (let i = 0; i < count; i++) beta[i]! -= change[i]!
    if (change.every((value) => Math.abs(value) < 1e-7)) break
  }
  const weights = Array.from({ length: size }, (_, i) => beta[i]! * scale[i]!)
  return { weights, bias: weights.reduce((sum, weight, i) => sum - weight * mean[i]!, beta[size]!) }
}

/** x of A x = b for a symmetric positive definite A, of which the lower triangle is read (Cholesky). */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const n = right.length
  const lower = matrix.map((line) => Float64Array.from(line))
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = lower[i]![j]!
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!
      lower[i]![j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / lower[j]![j]!
    }
  const x = Float64Array.from(right)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i]![k]! * x[k]!
    x[i]! /= lower[i]![i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= lower[k]![i]! * x[k]!
    x[i]! /= lower[i]![i]!
  }
  return x
}
