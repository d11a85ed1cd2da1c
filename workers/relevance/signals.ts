/** What relevance is read off: the signals of a hit, and how a fit weighs them. */
import type { Stance } from './backdrop.ts'
import { type Logistic, logitOf } from './logistic.ts'

/** A row of a search, as it was found. */
export interface HitSignals {
  /** Of the row's vector with the prompt's. */
  cosine: number
  /**
   * The share of the prompt's words that the row has, 0..1, weighed as the search weighs them; null where words were not
   * looked at, which says nothing for the row or against it.
   */
  words: number | null
  /** The row's whole name or title is the prompt. */
  exactName: boolean
}

/**
 * The features of a cosine: the first four grow with it, the others are the prompt's own. What is a high cosine differs
 * from prompt to prompt; the stance tells how.
 */
export function meaningFeatures(cosine: number, { mean, spread, best }: Stance): number[] {
  return [
    ...[cosine, cosine * cosine, cosine * best, cosine * spread],
    ...[best, best * best, spread, spread * spread, mean, best * spread],
  ]
}

/**
 * The logit of the meaning alone. For each prompt it is a parabola over the cosine; beyond its vertex it stays where it
 * was, so that a higher cosine never counts less.
 */
export function meaningLogit(fit: Logistic, cosine: number, stance: Stance): number {
  const [line, square, withBest, withSpread] = fit.weights as [number, number, number, number]
  const slope = line + withBest * stance.best + withSpread * stance.spread
  const vertex = square === 0 ? 0 : -slope / (2 * square)
  const bounded = square < 0 ? Math.min(cosine, vertex) : square > 0 ? Math.max(cosine, vertex) : cosine
  return logitOf(fit, meaningFeatures(bounded, stance))
}

/**
 * What the words of a row add to the logit of its meaning. A high power: half of what was asked for is much less than half
 * of an answer, and never counts less than nothing of it.
 */
export const wordFeatures = ({ words, exactName }: HitSignals): number[] => [
  (words ?? 0) ** 4,
  exactName ? 1 : 0,
]

/** Logistics of one question: by meaning, and what words add where they were looked at. */
export interface Head {
  meaning: Logistic
  words: Logistic
}

export function headLogit({ meaning, words }: Head, hit: HitSignals, stance: Stance): number {
  const byMeaning = meaningLogit(meaning, hit.cosine, stance)
  return hit.words === null ? byMeaning : byMeaning + logitOf(words, wordFeatures(hit))
}
