import { ModelFolderError } from '../errors.ts'
import type { Log } from '../log.ts'
import { discardVariant } from '../registry/derived.ts'
import type { ModelRegistry } from '../registry/registry.ts'
import { type ModelSpec, variantFor } from '../registry/spec.ts'
import type { Backpressure } from '../runtime/backpressure.ts'
import { ModelCache } from '../runtime/model-cache.ts'
import type { Provider } from '../runtime/provider.ts'
import { availableProviders, chooseProvider } from './choose-provider.ts'
import type { Modality } from './encoder.ts'
import { LoadedModel, type LoadOptions } from './loaded-model.ts'

export interface LoadedModelsOptions {
  registry: ModelRegistry
  provider: Provider | 'auto'
  cacheFolder: string
  /** A model without requests for this long is unloaded; the default model stays. */
  idleMs: number
  /** The pause after a model did not load; half a minute when absent. */
  retryMs?: number
  maxBatch: number
  threads?: number
  onBatch(model: string, modality: Modality, size: number, seconds: number): void
  onLoaded?(spec: ModelSpec, provider: Provider): void
  /** Holds decoding back while full batches wait for the sessions. */
  backpressure: Backpressure
  log: Log
}

/** The models in memory: loaded at their first request, unloaded when idle. */
export class LoadedModels {
  readonly #options: LoadedModelsOptions
  readonly #loaded: ModelCache<ModelSpec, LoadedModel>
  /** Errors of models that did not load a moment ago, by revision: callers get them at once, without another try. */
  readonly #failed = new Map<string, ModelFolderError>()

  constructor(options: LoadedModelsOptions) {
    this.#options = options
    this.#loaded = new ModelCache({
      load: (spec) => this.#loadOnce(spec),
      idleMs: options.idleMs,
      isPinned: (name) => name === options.registry.defaultName,
      onClosed: (name) => options.log.info({ model: name }, 'model unloaded: idle'),
    })
  }

  /** Holds the model for as long as `use` runs. */
  with<T>(spec: ModelSpec, use: (model: LoadedModel) => Promise<T>): Promise<T> {
    return this.#loaded.with(spec, use)
  }

  /** Loads a model in memory a second time and then swaps the two. */
  reload(spec: ModelSpec): Promise<void> {
    return this.#loaded.replace(spec)
  }

  /** The provider in use, or the first candidate. */
  provider(spec: ModelSpec): { provider: Provider; loaded: boolean } {
    const loaded = this.#loaded.peek(spec.name)
    if (loaded) return { provider: loaded.provider, loaded: true }
    const { provider } = this.#options
    return { provider: provider === 'auto' ? availableProviders()[0]! : provider, loaded: false }
  }

  close(): Promise<void> {
    return this.#loaded.close()
  }

  async #loadOnce(spec: ModelSpec): Promise<LoadedModel> {
    const { registry, retryMs = 30_000 } = this.#options
    const failed = this.#failed.get(spec.revision)
    if (failed) throw failed
    try {
      const model = await this.#load(spec)
      await registry.failures.clear(spec.revision)
      return model
    } catch (error) {
      if (!(error instanceof ModelFolderError)) throw error
      this.#failed.set(spec.revision, error)
      setTimeout(() => this.#failed.delete(spec.revision), retryMs).unref()
      await registry.failures.note(spec.revision, error.reason)
      throw error
    }
  }

  async #load(spec: ModelSpec): Promise<LoadedModel> {
    const { provider: configured, cacheFolder, maxBatch, threads, onBatch, backpressure, log } = this.#options
    const begun = performance.now()
    const provider = await chooseProvider(spec, configured, cacheFolder, log)
    const options: LoadOptions = {
      provider,
      maxBatch,
      threads,
      onBatch: (modality, size, seconds) => onBatch(spec.name, modality, size, seconds),
      onFailure: (modality, err) =>
        log.warn({ model: spec.name, modality, err }, 'the model fails on an input'),
      backpressure,
    }
    const derived = variantFor(spec, provider)
    const model = await LoadedModel.load(spec, options).catch(async (err) => {
      if (!derived) throw err
      await discardVariant(derived)
      // The model's own files give vectors of another revision than the registry announced.
      if (!derived.sameSpace) throw err
      log.warn({ model: spec.name, err }, 'the derived files do not load: the model serves with its own')
      return LoadedModel.load({ ...spec, variants: [] }, options)
    })
    const variant = variantFor(model.spec, provider)?.name ?? 'none'
    const ms = Math.round(performance.now() - begun)
    log.info({ model: spec.name, provider, variant, ms }, 'model loaded')
    this.#options.onLoaded?.(model.spec, provider)
    return model
  }
}
