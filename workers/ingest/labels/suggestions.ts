import type { Words } from '../../../prisma/types.ts'
import type { Encoder } from '../../encode/encoder.ts'
import { ItemError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { ModelCard } from '../../registry/card.ts'
import { dot } from '../../similarity/vectors.ts'

export interface SuggestionsOptions {
  words: Pick<Words, 'vocabulary' | 'near'>
  encoder: Encoder
  log?: Log
}

/** The library's most frequent words that are compared: some 10 MB of vectors at 512 dimensions. */
const maxWords = 5000
/** Words of one call of the encoder, as long as it leaves room for callers. */
const batch = 64
/** Words that came since are looked at after this long, in ms. */
const renewAfter = 10 * 60_000
/** How long the first suggestion waits for the vectors; what is there by then is compared. */
const patienceMs = 1500

/** The vectors of words, read once for each model. */
interface WordVectors {
  vectors: Map<string, Float32Array>
  /** When the vocabulary was read. */
  at: number
  reading: Promise<void> | null
}

/** Words of the library that are near to one that it does not have, in spelling or in meaning. */
export class Suggestions {
  readonly #options: SuggestionsOptions
  readonly #models = new Map<string, WordVectors>()

  constructor(options: SuggestionsOptions) {
    this.#options = options
  }

  /** Words that a slip of the hand may have made of this one, the most frequent first. */
  async spelled(word: string): Promise<string[]> {
    return (await this.#options.words.near(word)).map(({ term }) => term)
  }

  /** Words whose vectors by the model are nearest to a text's, the nearest first. */
  async meant(text: Float32Array, card: ModelCard, count: number): Promise<string[]> {
    const known = this.#of(card)
    if (known.reading)
      await Promise.race([known.reading, new Promise((resolve) => setTimeout(resolve, patienceMs).unref())])
    return [...known.vectors]
      .map(([word, vector]) => ({ word, product: dot(vector, text) }))
      .sort((a, b) => b.product - a.product)
      .slice(0, count)
      .map(({ word }) => word)
  }

  #of(card: ModelCard): WordVectors {
    let known = this.#models.get(card.revision)
    if (!known) {
      known = { vectors: new Map(), at: Number.NEGATIVE_INFINITY, reading: null }
      this.#models.set(card.revision, known)
    }
    const entry = known
    if (!entry.reading && performance.now() - entry.at > renewAfter)
      entry.reading = this.#read(entry, card)
        .catch((err) => this.#options.log?.debug({ err }, 'no vectors of the library’s words yet'))
        .finally(() => {
          entry.reading = null
        })
    return entry
  }

  /** Behind everybody else: a full queue ends it, and the next suggestion goes on. */
  async #read(entry: WordVectors, { name }: ModelCard): Promise<void> {
    const { words, encoder } = this.#options
    const terms = await words.vocabulary(maxWords)
    const wanted = new Set(terms)
    for (const word of entry.vectors.keys()) if (!wanted.has(word)) entry.vectors.delete(word)
    const missing = terms.filter((word) => !entry.vectors.has(word))
    const size = Math.max(1, Math.min(batch, Math.floor(encoder.stats().limit / 4)))
    for (let from = 0; from < missing.length; from += size) {
      const part = missing.slice(from, from + size)
      const encoded = await encoder.encode(
        part.map((text) => ({ text })),
        { model: name, priority: 'bulk', deadlineMs: 60_000 },
      )
      for (const [n, one] of encoded.entries())
        if (!(one instanceof ItemError)) entry.vectors.set(part[n]!, one.vector)
    }
    entry.at = performance.now()
  }
}
