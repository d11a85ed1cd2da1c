import type { Log } from '../log.ts'
import type { ModelRegistry } from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { Provider } from './encoder.ts'
import { LoadedModel, type LoadOptions } from './model.ts'
import { candidates, chooseProvider } from './providers.ts'

export interface ModelsOptions {
  registry: ModelRegistry
  provider: Provider | 'auto'
  cacheFolder: string
  /** A model that was not asked for so long is unloaded; the default model stays. */
  idleMs: number
  maxBatch: number
  threads?: number
  onBatch(model: string, modality: 'image' | 'text', size: number, seconds: number): void
  /** Pictures have left a queue. */
  onRoom(): void
  log: Log
}

interface Slot {
  model: Promise<LoadedModel>
  loaded: LoadedModel | null
  /** Callers that hold it now, and when the last one let go. */
  users: number
  used: number
}

/** The models in memory: loaded when first asked for, unloaded when idle. */
export class LoadedModels {
  readonly #options: ModelsOptions
  readonly #slots = new Map<string, Slot>()
  readonly #sweep: NodeJS.Timeout

  constructor(options: ModelsOptions) {
    this.#options = options
    const every = Math.max(50, Math.min(30_000, options.idleMs / 4))
    this.#sweep = setInterval(() => this.#unloadIdle(), every).unref()
  }

  /** Holds the model for as long as `use` runs. */
  async with<T>(spec: ModelSpec, use: (model: LoadedModel) => Promise<T>): Promise<T> {
    const slot = this.#slot(spec)
    slot.users++
    try {
      return await use(await slot.model)
    } finally {
      slot.users--
      slot.used = performance.now()
    }
  }

  /** Decoded pictures that wait for a session. */
  get waitingPictures(): number {
    let waiting = 0
    for (const { loaded } of this.#slots.values()) waiting += loaded?.vision.waiting ?? 0
    return waiting
  }

  /** The provider in use, or the one that would be tried first. */
  provider(spec: ModelSpec): { provider: Provider; loaded: boolean } {
    const loaded = this.#slots.get(spec.name)?.loaded
    if (loaded) return { provider: loaded.provider, loaded: true }
    const { provider } = this.#options
    return { provider: provider === 'auto' ? candidates()[0]! : provider, loaded: false }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const slots = [...this.#slots.values()]
    this.#slots.clear()
    await Promise.all(slots.map(async ({ model }) => (await model.catch(() => null))?.close()))
  }

  #slot(spec: ModelSpec): Slot {
    let slot = this.#slots.get(spec.name)
    if (!slot) {
      const fresh: Slot = { model: this.#load(spec), loaded: null, users: 0, used: performance.now() }
      fresh.model.then(
        (model) => {
          fresh.loaded = model
        },
        // The next caller tries again.
        () => this.#slots.delete(spec.name),
      )
      this.#slots.set(spec.name, fresh)
      slot = fresh
    }
    return slot
  }

  async #load(spec: ModelSpec): Promise<LoadedModel> {
    const { provider: configured, cacheFolder, maxBatch, threads, onBatch, onRoom, log } = this.#options
    const begun = performance.now()
    const provider = await chooseProvider(spec, configured, cacheFolder, log)
    const options: LoadOptions = {
      provider,
      maxBatch,
      threads,
      onBatch: (modality, size, seconds) => onBatch(spec.name, modality, size, seconds),
      onFailure: (modality, err) =>
        log.warn({ model: spec.name, modality, err }, 'the model fails on an input'),
      onRoom,
    }
    const model = await LoadedModel.load(spec, options)
    log.info({ model: spec.name, provider, ms: Math.round(performance.now() - begun) }, 'model loaded')
    return model
  }

  #unloadIdle(): void {
    const { idleMs, registry, log } = this.#options
    for (const [name, slot] of this.#slots) {
      const idle = slot.loaded && slot.users === 0 && performance.now() - slot.used > idleMs
      if (!idle || name === registry.defaultName) continue
      this.#slots.delete(name)
      void slot.loaded!.close()
      log.info({ model: name }, 'model unloaded: idle')
    }
  }
}
