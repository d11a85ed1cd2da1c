import { type Head, probabilities } from './probability.ts'
import { dot } from './vectors.ts'
import { type WeightedVector, weightedMean } from './weighted.ts'

/** A candidate in its place of the order. */
export interface Ranked {
  /** Place among the candidates as given. */
  index: number
  /** Sum over prompts of weight x cosine, divided by the sum of |weight|. */
  score: number
  /** Cosine with each prompt, in the order of the prompts. */
  similarities: Float64Array
  probability: number
}

/** Scores L2-normalised candidates and sorts them, best first; equal scores keep the order of the candidates. */
export function rank(
  candidates: readonly Float32Array[],
  prompts: readonly WeightedVector[],
  head: Head,
): Ranked[] {
  const similarities = candidates.map((candidate) =>
    Float64Array.from(prompts, ({ vector }) => dot(candidate, vector)),
  )
  const weights = prompts.map(({ weight }, p) => ({ weight, p }))
  const scores = Float64Array.from(similarities, (cosines) => weightedMean(weights, ({ p }) => cosines[p]!))
  const probability = probabilities(scores, head)
  return similarities
    .map((cosines, index) => ({
      index,
      score: scores[index]!,
      similarities: cosines,
      probability: probability[index]!,
    }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
}
