/**
 * Searches whose right answers are known: a fit learns from them, and a bench judges it by them. A library lacks a match
 * when every image that shares a word with the prompt is taken out.
 */
import { dot } from '../similarity/vectors.ts'
import type { Backdrop, Stance } from './backdrop.ts'
import type { HitSignals } from './signals.ts'

/** An image with what it is called. */
export interface NamedImage {
  /** In small letters, words apart by one space. */
  name: string
  tags: readonly string[]
  vector: Float32Array
}

export interface Gallery {
  images: readonly NamedImage[]
  /** Names of images, and their vectors as prompts. */
  prompts: readonly { text: string; vector: Float32Array }[]
}

export interface TrialHit extends HitSignals {
  /** It has every word of the prompt. */
  fits: 0 | 1
}

export interface Trial {
  /** Place of the prompt in the gallery. */
  prompt: number
  stance: Stance
  /** The ten best, best first. */
  hits: TrialHit[]
  /** Whether the library holds a match. */
  found: 0 | 1
  weight: number
  /**
   * MEANING: words were not looked at. NAMED: they were, and the match has them, half of the time as its name. UNNAMED:
   * they were, and the match has none. Half of the searches of each kind have a match.
   */
  kind: 'MEANING' | 'NAMED' | 'UNNAMED'
}

/** Of the searches whose library holds a match and whose words were looked at: the share in which the match has none. */
export const unnamedShare = 1 / 5

const most = 10

/** Gives way to other work after each prompt. */
export async function trialsOf({ images, prompts }: Gallery, backdrop: Backdrop): Promise<Trial[]> {
  const wordsOf = images.map(({ name, tags }) => new Set([name, ...tags].flatMap((text) => text.split(' '))))
  const trials: Trial[] = []
  for (const [prompt, { text, vector }] of prompts.entries()) {
    await new Promise(setImmediate)
    const words = text.split(' ')
    const cosines = Float64Array.from(images, (image) => dot(vector, image.vector))
    const shares = Float64Array.from(
      wordsOf,
      (own) => words.filter((word) => own.has(word)).length / words.length,
    )
    const isNamed = (n: number) => images[n]!.name === text
    const stance = backdrop.stance(vector)
    const search = (
      kind: Trial['kind'],
      found: 0 | 1,
      weight: number,
      isThere: (n: number) => boolean,
      isCalledSo = isNamed,
    ) => {
      const score = (n: number) => {
        if (!isThere(n)) return Number.NEGATIVE_INFINITY
        return kind === 'NAMED' ? cosines[n]! + 0.5 * shares[n]! + (isCalledSo(n) ? 0.25 : 0) : cosines[n]!
      }
      const hits = highest(images.length, score).map(
        (n): TrialHit => ({
          cosine: cosines[n]!,
          words: kind === 'MEANING' ? null : kind === 'NAMED' ? shares[n]! : 0,
          exactName: kind === 'NAMED' && isCalledSo(n),
          fits: shares[n] === 1 ? 1 : 0,
        }),
      )
      if (hits.length > 0) trials.push({ prompt, stance, hits, found, weight, kind })
    }
    const all = () => true
    const hasNone = (n: number) => shares[n] === 0
    const lacksOne = (n: number) => shares[n]! < 1
    const partly = shares.some((share) => share > 0 && share < 1)
    search('MEANING', 1, 1, all)
    search('MEANING', 0, 1, hasNone)
    search('NAMED', 1, (1 - unnamedShare) / 2, all)
    // As if its words were in its tags.
    search('NAMED', 1, (1 - unnamedShare) / 2, all, () => false)
    search('UNNAMED', 1, unnamedShare, all)
    search('NAMED', 0, partly ? 1 / 2 : 1, hasNone)
    if (partly) search('NAMED', 0, 1 / 2, lacksOne)
  }
  return trials
}

/** The places with the highest scores, highest first; those of -Infinity are left out. */
function highest(count: number, score: (n: number) => number): number[] {
  const best: { n: number; score: number }[] = []
  for (let n = 0; n < count; n++) {
    const own = score(n)
    if (own === Number.NEGATIVE_INFINITY) continue
    if (best.length === most && own <= best.at(-1)!.score) continue
    const at = best.findIndex((one) => one.score < own)
    best.splice(at < 0 ? best.length : at, 0, { n, score: own })
    if (best.length > most) best.pop()
  }
  return best.map(({ n }) => n)
}
