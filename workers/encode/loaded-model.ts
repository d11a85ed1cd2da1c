import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import { type ModelSpec, variantFor } from '../registry/spec.ts'
import type { Backpressure } from '../runtime/backpressure.ts'
import { Batcher } from '../runtime/batcher.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { Session } from '../runtime/session.ts'
import { collateInputs, type EncodeWork, splitVectors } from './collate.ts'
import type { Modality } from './encoder.ts'
import { cores, type SessionInput, type SessionReady, type SessionSettings } from './encoder-session.ts'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'

/**
 * Where the threads of one session would mostly wait for each other, two sessions with half of the cores each do a third
 * more: texts are so little work, and so are images with products in 8 bits. Both hold the weights, which the size of
 * text towers and of 8 bits allows. Gives the threads of each session.
 */
export function sessionThreads(
  spec: ModelSpec,
  tower: Tower,
  { provider, threads = cores }: Pick<LoadOptions, 'provider' | 'threads'>,
): number[] {
  const variant = variantFor(spec, provider)
  const little = tower === 'text' || (variant?.name === 'int8' && variant.towers.includes(tower))
  return provider === 'cpu' && threads > 1 && little
    ? [Math.floor(threads / 2), Math.ceil(threads / 2)]
    : [threads]
}

/** Lengths that texts are padded to, so that a batch holds texts of about the same length. */
const paddingBuckets = [4, 8, 12, 16, 24, 32, 48, 64, 96, 128]

export interface LoadOptions {
  provider: Provider
  maxBatch: number
  threads?: number
  onBatch(modality: Modality, size: number, seconds: number): void
  onFailure(modality: Modality, error: Error): void
  backpressure: Backpressure
}

type Tower = SessionSettings['tower']
type EncodeBatcher = Batcher<EncodeWork, SessionInput, Float32Array, Float32Array>
export type EncodeSession = Session<SessionInput, Float32Array, SessionReady>

/** The session of one tower. @throws ModelFolderError when its graph does not load or gives vectors of another length than the config says */
export async function loadTowerSession(
  spec: ModelSpec,
  tower: Tower,
  options: Pick<LoadOptions, 'provider' | 'threads'>,
): Promise<EncodeSession> {
  const settings = sessionSettings(spec, tower, options)
  const { files, provider } = settings
  const file = path.basename(files.kind === 'combined' ? files.model : files[tower])
  let session: EncodeSession
  try {
    session = await Session.load(new URL('./session-thread.ts', import.meta.url), settings)
  } catch (error) {
    const { message } = error as Error
    throw new ModelFolderError(`${file} does not load with provider ${provider}: ${message}`, spec.name)
  }
  const { dimensions } = session.ready
  if (dimensions === spec.dimensions) return session
  await session.close()
  throw new ModelFolderError(
    `the config files say ${spec.dimensions} dimensions, ${file} gives ${dimensions}.`,
    spec.name,
  )
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

  private constructor(
    spec: ModelSpec,
    provider: Provider,
    tokenizer: Tokenizer,
    { vision, text, shortTexts }: { vision: EncodeBatcher; text: EncodeBatcher; shortTexts: boolean },
    backpressure: Backpressure,
  ) {
    this.spec = spec
    this.provider = provider
    this.tokenizer = tokenizer
    this.vision = vision
    this.text = text
    this.#shortTexts = shortTexts
    this.#untrack = backpressure.track(() => vision.waiting)
  }

  /** All of it or nothing: what has been opened is closed where another part fails. @throws ModelFolderError */
  static async load(spec: ModelSpec, options: LoadOptions): Promise<LoadedModel> {
    const open = (tower: Tower) =>
      sessionThreads(spec, tower, options).map((threads) =>
        loadTowerSession(spec, tower, { ...options, threads }),
      )
    // One that died is replaced.
    const load = (tower: Tower) => () =>
      loadTowerSession(spec, tower, { ...options, threads: sessionThreads(spec, tower, options)[0]! })
    const [visions, texts] = [open('vision'), open('text')]
    const opening = [...visions, ...texts]
    try {
      const [tokenizer, vision, text] = await Promise.all([
        loadTokenizer(spec),
        Promise.all(visions),
        Promise.all(texts),
      ])
      return LoadedModel.#of(spec, options, tokenizer, { vision, text }, load)
    } catch (error) {
      const opened = await Promise.allSettled(opening)
      await Promise.all(
        opened.map((session) => (session.status === 'fulfilled' ? session.value.close() : null)),
      )
      throw error instanceof ModelFolderError ? error.of(spec.name) : error
    }
  }

  static #of(
    spec: ModelSpec,
    options: LoadOptions,
    tokenizer: Tokenizer,
    sessions: { vision: EncodeSession[]; text: EncodeSession[] },
    load: (tower: Tower) => () => Promise<EncodeSession>,
  ): LoadedModel {
    const { shortTexts } = variantFor(spec, options.provider) ?? sessions.text[0]!.ready
    const padToLongest = options.provider === 'cpu' && shortTexts && spec.text.padTo === 'longest'
    const batcher = (tower: Tower, modality: Modality) =>
      new Batcher(sessions[tower], {
        load: load(tower),
        maxBatch: options.maxBatch,
        collate: (batch: readonly EncodeWork[]) => collateInputs(batch, padToLongest),
        split: (vectors: Float32Array, batch) => splitVectors(vectors, batch.length),
        onBatch: (size, seconds) => options.onBatch(modality, size, seconds),
        onFailure: (error) => options.onFailure(modality, error),
        onDequeue: () => options.backpressure.dequeued(),
      })
    const towers = { vision: batcher('vision', 'image'), text: batcher('text', 'text'), shortTexts }
    return new LoadedModel(spec, options.provider, tokenizer, towers, options.backpressure)
  }

  /** The length that a text of so many tokens is padded to. */
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

/** One for the process: whoever uses such a provider waits for it. */
export const sharedDeviceLock = new SharedArrayBuffer(DeviceMutex.bytes)

function sessionSettings(
  spec: ModelSpec,
  tower: Tower,
  { provider, threads = cores }: Pick<LoadOptions, 'provider' | 'threads'>,
): SessionSettings {
  const { files, image, text } = spec
  return {
    tower,
    files: variantFor(spec, provider)?.files ?? files,
    provider,
    image,
    text,
    threads,
    deviceLock: sharedDeviceLock,
  }
}
