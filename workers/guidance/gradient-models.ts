/** Models that can be differentiated: their derived graphs on disk, and in memory as batchers while they are used. */

import { chooseProvider } from '../encode/choose-provider.ts'
import { GraphError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { orAborted } from '../runtime/abort.ts'
import { ModelCache } from '../runtime/model-cache.ts'
import type { Provider } from '../runtime/provider.ts'
import { totalWeight } from '../similarity/weighted.ts'
import { gradientUnsupportedReason } from './derive-gradient.ts'
import { createGradientBatcher, type GradientBatcher, type GradientRow } from './gradient-batcher.ts'
import { type GradientFile, gradientFile, visionFile } from './gradient-file.ts'
import type { GuideOptions, GuideRequest } from './guide.ts'

export interface GradientModelsOptions {
  cacheFolder: string
  provider: Provider | 'auto'
  maxBatch: number
  threads?: number
  idleMs: number
  log: Log
  onBatch(model: string, size: number, seconds: number): void
}

export class GradientModels {
  readonly #options: GradientModelsOptions
  readonly #files = new Map<string, Promise<GradientFile>>()
  readonly #reasons = new Map<string, Promise<string | null>>()
  readonly #batchers: ModelCache<ModelSpec, GradientBatcher>

  constructor(options: GradientModelsOptions) {
    this.#options = options
    this.#batchers = new ModelCache({
      load: (spec: ModelSpec) => this.#load(spec),
      idleMs: options.idleMs,
      isPinned: () => false,
      onClosed: (name) => options.log.info({ model: name }, 'gradient unloaded: idle'),
    })
  }

  /** Null when nothing is known against the model, judging by its operators alone. */
  unsupportedReason(revision: string, resolve: () => Promise<ModelSpec>): Promise<string | null> {
    const known = this.#reasons.get(revision)
    if (known) return known
    const reason = resolve().then((spec) => gradientUnsupportedReason(visionFile(spec)))
    this.#reasons.set(revision, reason)
    reason.catch(() => this.#reasons.delete(revision))
    return reason
  }

  /** The derived graph, made now if there is none yet. @throws GraphError when the model cannot be differentiated */
  file(spec: ModelSpec): Promise<GradientFile> {
    const known = this.#files.get(spec.revision)
    if (known) return known
    const { cacheFolder, log } = this.#options
    const begun = performance.now()
    const file = gradientFile(spec, cacheFolder)
    file.then(
      () => log.info({ model: spec.name, ms: Math.round(performance.now() - begun) }, 'gradient derived'),
      (err) => {
        log.info({ model: spec.name, err }, 'the model cannot guide')
        // A graph that cannot be differentiated stays so; anything else is tried again.
        if (!(err instanceof GraphError)) this.#files.delete(spec.revision)
      },
    )
    this.#files.set(spec.revision, file)
    return file
  }

  /** Each view through the derived graph, in batches with whoever else is guiding. @throws the signal's reason */
  evaluate(
    spec: ModelSpec,
    views: Float32Array,
    { prompts, loss }: Pick<GuideRequest, 'prompts' | 'loss'>,
    { signal, priority = 'interactive', bucket }: GuideOptions & { bucket: string },
  ): Promise<GradientRow[]> {
    const total = totalWeight(prompts)
    const shares = prompts.map(({ vector, weight }) => ({ vector, weight: weight / total }))
    const size = spec.image.width * spec.image.height * 3
    const since = performance.now()
    return this.#batchers.with(spec, (batcher) => {
      const rows = Array.from({ length: views.length / size }, (_, i) => {
        const row = Promise.withResolvers<GradientRow>()
        batcher.push({
          pixels: views.subarray(i * size, (i + 1) * size),
          prompts: shares,
          spherical: loss === 'SPHERICAL',
          bucket,
          priority,
          since,
          hasWaiters: () => !signal?.aborted,
          settle: (result) => (result instanceof Error ? row.reject(result) : row.resolve(result)),
        })
        return row.promise
      })
      // The batcher never settles work that it drops for want of waiters; the signal answers for it.
      return orAborted(Promise.all(rows), signal)
    })
  }

  close(): Promise<void> {
    return this.#batchers.close()
  }

  async #load(spec: ModelSpec): Promise<GradientBatcher> {
    const file = await this.file(spec)
    try {
      return await this.#open(spec, file)
    } catch (err) {
      // It may have been damaged or removed since it was verified: then it is derived again, once.
      this.#options.log.warn(
        { model: spec.name, err },
        'the gradient does not load; its file is verified again',
      )
      this.#files.delete(spec.revision)
      return this.#open(spec, await this.file(spec))
    }
  }

  async #open(spec: ModelSpec, file: GradientFile): Promise<GradientBatcher> {
    const { provider, cacheFolder, log, threads, maxBatch, onBatch } = this.#options
    const chosen = await chooseProvider(spec, provider, cacheFolder, log)
    const open = (provider: Provider) =>
      createGradientBatcher(spec, file, {
        provider,
        threads,
        maxBatch,
        onBatch: (size, seconds) => onBatch(spec.name, size, seconds),
        onFailure: (err) => log.warn({ model: spec.name, err }, 'the gradient fails on an image'),
      })
    if (chosen === 'cpu') return open('cpu')
    return open(chosen).catch((err) => {
      log.warn({ model: spec.name, provider: chosen, err }, 'the gradient runs on the cpu instead')
      return open('cpu')
    })
  }
}
