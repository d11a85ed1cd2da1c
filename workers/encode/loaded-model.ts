import { ModelFolderError } from '../errors.ts'
import { type ModelSpec, type Tower, variantFor } from '../registry/spec.ts'
import type { Backpressure } from '../runtime/backpressure.ts'
import { Batcher } from '../runtime/batcher.ts'
import type { Provider } from '../runtime/provider.ts'
import { collateInputs, type EncodeWork, splitVectors } from './collate.ts'
import type { Modality } from './encoder.ts'
import type { SessionInput } from './encoder-session.ts'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'
import {
  type EncodeSession,
  loadTowerSession,
  sessionThreads,
  type TowerSessionOptions,
} from './tower-session.ts'

/** Lengths that texts are padded to, so that a batch holds texts of about the same length. */
const paddingBuckets = [4, 8, 12, 16, 24, 32, 48, 64, 96, 128]

export interface LoadOptions extends TowerSessionOptions {
  maxBatch: number
  onBatch(modality: Modality, size: number, seconds: number): void
  onFailure(modality: Modality, error: Error): void
  backpressure: Backpressure
}

type EncodeBatcher = Batcher<EncodeWork, SessionInput, Float32Array, Float32Array>

/** The opened parts of a model. */
interface ModelParts {
  tokenizer: Tokenizer
  vision: EncodeSession[]
  text: EncodeSession[]
}

/** A model in memory: its tokenizer and a batcher for each tower. */
export class LoadedModel {
  readonly spec: ModelSpec
  readonly provider: Provider
  readonly tokenizer: Tokenizer
  readonly vision: EncodeBatcher
  readonly text: EncodeBatcher
  readonly #shortTexts: boolean
  readonly #untrack: () => void

  private constructor(spec: ModelSpec, options: LoadOptions, { tokenizer, vision, text }: ModelParts) {
    this.spec = spec
    this.provider = options.provider
    this.tokenizer = tokenizer
    this.#shortTexts = (variantFor(spec, options.provider) ?? text[0]!.ready).shortTexts
    this.vision = this.#batcher('vision', vision, options)
    this.text = this.#batcher('text', text, options)
    this.#untrack = options.backpressure.track(() => this.vision.waiting)
  }

  /** Opens all parts or none: when one fails, it closes the others. @throws ModelFolderError */
  static async load(spec: ModelSpec, options: LoadOptions): Promise<LoadedModel> {
    const open = (tower: Tower) =>
      sessionThreads(spec, tower, options).map((threads) =>
        loadTowerSession(spec, tower, { ...options, threads }),
      )
    const [visions, texts] = [open('vision'), open('text')]
    try {
      const [tokenizer, vision, text] = await Promise.all([
        loadTokenizer(spec),
        Promise.all(visions),
        Promise.all(texts),
      ])
      return new LoadedModel(spec, options, { tokenizer, vision, text })
    } catch (error) {
      const opened = await Promise.allSettled([...visions, ...texts])
      await Promise.all(
        opened.map((session) => (session.status === 'fulfilled' ? session.value.close() : null)),
      )
      throw error instanceof ModelFolderError ? error.of(spec.name) : error
    }
  }

  #batcher(tower: Tower, sessions: readonly EncodeSession[], options: LoadOptions): EncodeBatcher {
    const { spec } = this
    const modality: Modality = tower === 'vision' ? 'image' : 'text'
    const padToLongest = options.provider === 'cpu' && this.#shortTexts && spec.text.padTo === 'longest'
    return new Batcher(sessions, {
      // Replaces a session that died.
      load: () =>
        loadTowerSession(spec, tower, { ...options, threads: sessionThreads(spec, tower, options)[0] }),
      maxBatch: options.maxBatch,
      collate: (batch: readonly EncodeWork[]) => collateInputs(batch, padToLongest),
      split: (vectors: Float32Array, batch) => splitVectors(vectors, batch.length),
      onBatch: (size, seconds) => options.onBatch(modality, size, seconds),
      onFailure: (error) => options.onFailure(modality, error),
      onDequeue: () => options.backpressure.dequeued(),
    })
  }

  /** The length that a text of `tokens` tokens is padded to. */
  paddedLength(tokens: number): number {
    const { maxTokens, padTo, padLength } = this.spec.text
    if (padTo === 'max' || !this.#shortTexts) return Math.max(padLength, tokens)
    return Math.min(maxTokens, paddingBuckets.find((length) => length >= tokens) ?? maxTokens)
  }

  async close(): Promise<void> {
    await Promise.all([this.vision.close(), this.text.close()])
    this.#untrack()
  }
}
