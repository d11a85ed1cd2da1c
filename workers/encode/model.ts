import { ModelFolderError } from '../errors.ts'
import { type ModelSpec, variantFor } from '../registry/spec.ts'
import type { Provider } from './encoder.ts'
import { cores } from './graph.ts'
import { Lane } from './lane.ts'
import type { SessionInput, SessionReady, SessionSettings } from './protocol.ts'
import { Session } from './session.ts'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'
import { Turns } from './turns.ts'
import { type EncodeWork, gatherInputs, spreadVectors } from './vectors.ts'

/**
 * Texts are so little work that the threads of one session mostly wait for each other: two sessions with half of the
 * cores each do a third more. They hold the weights twice, which a text tower's size allows.
 */
export function textSessions({ provider, threads = cores }: Pick<LoadOptions, 'provider' | 'threads'>) {
  return provider === 'cpu' && threads > 1
    ? { count: 2, threads: Math.floor(threads / 2) }
    : { count: 1, threads }
}

/** Lengths that short texts are padded to at most: a batch holds texts of like length. */
const lengths = [4, 8, 12, 16, 24, 32, 48, 64, 96, 128]

export interface LoadOptions {
  provider: Provider
  maxBatch: number
  threads?: number
  onBatch(modality: 'image' | 'text', size: number, seconds: number): void
  onFailure(modality: 'image' | 'text', error: Error): void
  onRoom(): void
}

type EncodeLane = Lane<EncodeWork, SessionInput, Float32Array, Float32Array>
export type EncodeSession = Session<SessionInput, Float32Array, SessionReady>

export const loadSession = (settings: SessionSettings): Promise<EncodeSession> =>
  Session.load(new URL('./session-thread.ts', import.meta.url), settings)

/** A model in memory: tokenizer and a lane for each side. */
export class LoadedModel {
  readonly spec: ModelSpec
  readonly provider: Provider
  readonly tokenizer: Tokenizer
  readonly vision: EncodeLane
  readonly text: EncodeLane
  readonly #shortTexts: boolean

  private constructor(
    spec: ModelSpec,
    provider: Provider,
    tokenizer: Tokenizer,
    lanes: { vision: EncodeLane; text: EncodeLane; shortTexts: boolean },
  ) {
    this.spec = spec
    this.provider = provider
    this.tokenizer = tokenizer
    this.vision = lanes.vision
    this.text = lanes.text
    this.#shortTexts = lanes.shortTexts
  }

  /** @throws ModelFolderError when a graph does not load or gives vectors of another length than the config says */
  static async load(spec: ModelSpec, options: LoadOptions): Promise<LoadedModel> {
    const texts = textSessions(options)
    const load = (side: 'vision' | 'text') => () =>
      loadSession(
        sessionSettings(spec, side, side === 'text' ? { ...options, threads: texts.threads } : options),
      )
    const loads = [load('vision')(), ...Array.from({ length: texts.count }, load('text'))]
    const sessions = await Promise.allSettled(loads)
    const failed = sessions.find((session) => session.status === 'rejected')
    if (failed) {
      for (const session of sessions) if (session.status === 'fulfilled') void session.value.close()
      const reason = (failed.reason as Error).message
      throw new ModelFolderError(
        `Model "${spec.name}" does not load with provider ${options.provider}: ${reason}`,
      )
    }
    const all = sessions.map((session) => (session as PromiseFulfilledResult<EncodeSession>).value)
    const [vision, ...text] = all
    for (const session of all)
      if (session.ready.dimensions !== spec.dimensions) {
        await Promise.all(all.map((one) => one.close()))
        throw new ModelFolderError(
          `Model "${spec.name}": config.json says ${spec.dimensions} dimensions, the graph gives ${session.ready.dimensions}.`,
        )
      }
    const { shortTexts } = variantFor(spec, options.provider) ?? text[0]!.ready
    const padToLongest = options.provider === 'cpu' && shortTexts && spec.text.padTo === 'longest'
    const lane = (of: EncodeSession[], side: 'vision' | 'text', modality: 'image' | 'text') =>
      new Lane(of, {
        load: load(side),
        maxBatch: options.maxBatch,
        gather: (batch: readonly EncodeWork[]) => gatherInputs(batch, padToLongest),
        spread: (vectors: Float32Array, batch) => spreadVectors(vectors, batch.length),
        onBatch: (size, seconds) => options.onBatch(modality, size, seconds),
        onFailure: (error) => options.onFailure(modality, error),
        onTaken: () => options.onRoom(),
      })
    return new LoadedModel(spec, options.provider, await loadTokenizer(spec), {
      vision: lane([vision!], 'vision', 'image'),
      text: lane(text, 'text', 'text'),
      shortTexts,
    })
  }

  /** The length that a text of so many tokens is padded to. */
  paddedLength(tokens: number): number {
    const { maxTokens, padTo } = this.spec.text
    if (padTo === 'max' || !this.#shortTexts) return maxTokens
    return Math.min(maxTokens, lengths.find((length) => length >= tokens) ?? maxTokens)
  }

  async close(): Promise<void> {
    await Promise.all([this.vision.close(), this.text.close()])
  }
}

/** One for the process: whoever uses such a provider waits for it. */
export const sharedTurns = new SharedArrayBuffer(Turns.bytes)

export function sessionSettings(
  spec: ModelSpec,
  side: 'vision' | 'text',
  { provider, threads = cores }: Pick<LoadOptions, 'provider' | 'threads'>,
): SessionSettings {
  const { files, image, text } = spec
  return {
    side,
    files: variantFor(spec, provider)?.files ?? files,
    provider,
    image,
    maxTokens: text.maxTokens,
    padId: text.padId,
    threads,
    turns: sharedTurns,
  }
}
