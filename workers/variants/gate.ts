/** Whether a derived tower's vectors are compatible with those of the fp32 file, and its speed is worth the rounding. */
import type { Agreement } from '../registry/derived.ts'
import { dot } from '../similarity/vectors.ts'

/** `speedup`: the minimum speed-up to accept a numerically different file. */
export const gate = { speedup: 1.2, mean: 0.99, worst: 0.98, overlap: 0.95 }

/** How many of a prompt's best images are compared. */
const topCount = 10

/** Cosines of unit vectors, pair by pair. */
export function agreement(a: readonly Float32Array[], b: readonly Float32Array[]): Agreement {
  const cosines = a.map((vector, i) => dot(vector, b[i]!))
  return {
    mean: cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length,
    worst: Math.min(...cosines),
  }
}

export interface Ranking {
  prompts: readonly Float32Array[]
  images: readonly Float32Array[]
}

/** Share of each prompt's ten best images that both have, mean over the prompts. */
export function overlap(a: Ranking, b: Ranking): number {
  const top = ({ prompts, images }: Ranking, i: number) => {
    const scores = images.map((image) => dot(prompts[i]!, image))
    const order = scores.map((_, k) => k).sort((x, y) => scores[y]! - scores[x]! || x - y)
    return new Set(order.slice(0, topCount))
  }
  const shares = a.prompts.map((_, i) => {
    const [x, y] = [top(a, i), top(b, i)]
    return [...x].filter((k) => y.has(k)).length / x.size
  })
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

/** Why the vectors do not pass, null when they do. */
export function agreementProblem({ mean, worst }: Agreement): string | null {
  if (mean < gate.mean) return `mean cosine ${mean.toFixed(4)} is below ${gate.mean}`
  if (worst < gate.worst) return `lowest cosine ${worst.toFixed(4)} is below ${gate.worst}`
  return null
}

/** Why the speed is not worth it, null when it is. */
export function speedProblem(speedup: number): string | null {
  return speedup < gate.speedup
    ? `it is ${speedup.toFixed(2)} times as fast as fp32 here, below ${gate.speedup}`
    : null
}
