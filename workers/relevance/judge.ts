import { Backdrop } from './backdrop.ts'
import type { Fit } from './fit.ts'
import { sigmoid } from './logistic.ts'
import { type HitSignals, headLogit, meaningLogit } from './signals.ts'

/** A hit of a search; its cosine is null where the row has no vector, or none was looked at. */
export type JudgedHit = Omit<HitSignals, 'cosine'> & { cosine: number | null }

/** A prompt of a search. */
export interface JudgedPrompt {
  /** L2-normalised, in the space of the judge's model. */
  vector: Float32Array
  weight: number
  modality: 'TEXT' | 'IMAGE'
  /** Absent where only the vector was given. */
  text?: string | undefined
}

export const bands = ['STRONG', 'FAIR', 'WEAK'] as const

export type Band = (typeof bands)[number]

/** STRONG: it rather fits than not. FAIR: worth a look. WEAK: most such hits do not fit. */
export const lowestOf = { STRONG: 0.5, FAIR: 0.15 } as const

export const bandOf = (relevance: number): Band =>
  relevance >= lowestOf.STRONG ? 'STRONG' : relevance >= lowestOf.FAIR ? 'FAIR' : 'WEAK'

export interface Judgement {
  /**
   * In the order of the hits: the probability that the hit fits the prompt, 0..1, a function of prompt and row alone; null
   * where there is no cosine.
   */
  edges: ({ relevance: number; band: Band } | null)[]
  /** The probability that the library holds a match, 0..1, read off the best of these hits. */
  found: number
  /** `found` is below what 95 % of the searches reach that have a match. True where there is no hit. */
  noMatch: boolean
}

/** One model's relevance. */
export class RelevanceJudge {
  readonly fit: Fit
  readonly #backdrop: Backdrop

  constructor(fit: Fit) {
    this.fit = fit
    this.#backdrop = Backdrop.unpack(fit.backdrop, fit.dimensions)
  }

  /**
   * Judges the hits of a search's first page, best first. Null where the prompts are not one text that attracts: cosines
   * between images, and of several prompts together, have scales of their own, which no fit knows. Null where no hit has
   * a cosine.
   */
  judge(prompts: readonly JudgedPrompt[], hits: readonly JudgedHit[]): Judgement | null {
    const [prompt] = prompts
    if (prompts.length !== 1 || !isJudged(prompt!)) return null
    const scored = hits.filter(hasCosine)
    if (scored.length === 0 && hits.length > 0) return null
    const { heads, noMatchBelow } = this.fit
    const stance = this.#backdrop.stance(prompt!.vector)
    const edges = hits.map((hit) => {
      if (!hasCosine(hit)) return null
      const relevance = sigmoid(headLogit(heads.hit, hit, stance))
      return { relevance, band: bandOf(relevance) }
    })
    const logits = scored.map((hit) => headLogit(heads.found, hit, stance))
    const found = logits.length === 0 ? 0 : sigmoid(Math.max(...logits))
    const wordsKnown = scored.some(({ words }) => words !== null)
    return { edges, found, noMatch: found < noMatchBelow[wordsKnown ? 'words' : 'meaning'] }
  }

  /**
   * The probability that an image shows what the prompt says, anywhere in it, 0..1: of a thing and an image met by chance,
   * half of which go together. Null for prompts other than texts.
   */
  present(prompt: Pick<JudgedPrompt, 'vector' | 'modality' | 'text'>, cosine: number): number | null {
    if (!isText(prompt)) return null
    return sigmoid(meaningLogit(this.fit.heads.present, cosine, this.#backdrop.stance(prompt.vector)))
  }
}

const hasCosine = (hit: JudgedHit): hit is HitSignals => hit.cosine !== null

/** A vector that was given as such may stand for anything. */
const isText = ({ modality, text }: Pick<JudgedPrompt, 'modality' | 'text'>) =>
  modality === 'TEXT' && text !== undefined
const isJudged = (prompt: JudgedPrompt) => isText(prompt) && prompt.weight > 0
