/** The encoder whose models run in threads of this process. */
import { createHash, randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { BadUserInput, ItemError } from '../errors.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { DecodePool } from '../images/pool/decode-pool.ts'
import { type Log, silent } from '../log.ts'
import { cardOf, type ModelCard } from '../registry/card.ts'
import type { ModelRegistry } from '../registry/registry.ts'
import { type ModelSpec, variantFor } from '../registry/spec.ts'
import { withDeadline } from '../runtime/abort.ts'
import { Admission } from '../runtime/admission.ts'
import { Backpressure } from '../runtime/backpressure.ts'
import { defaultMaxBatch } from '../runtime/batcher.ts'
import { cores } from '../runtime/cores.ts'
import type { Provider } from '../runtime/provider.ts'
import type { StageSeconds } from '../runtime/stages.ts'
import type { ModelCatalogue, ServedModel } from './catalogue.ts'
import { Coalescer } from './coalescer.ts'
import type { Encoded, EncodeInput, EncodeOptions, Encoder, EncoderStats, Modality } from './encoder.ts'
import type { Job } from './job.ts'
import { LoadedModels } from './loaded-models.ts'
import { VectorCache } from './vector-cache.ts'

export interface LocalEncoderOptions {
  registry: ModelRegistry
  /** Keeps the choice of a provider. */
  cacheFolder: string
  provider?: Provider | 'auto'
  /** The maximum items that are admitted and not yet answered. */
  queueLimit?: number
  /** Bytes of the vector cache. */
  cacheBytes?: number
  idleMs?: number
  retryMs?: number
  maxBatch?: number
  /** Threads of a session. */
  threads?: number
  decodeThreads?: number
  limits?: ImageLimits
  defaultDeadlineMs?: number
  log?: Log
  onBatch?(model: string, modality: Modality, size: number, seconds: number): void
  /** Called for each input that is encoded, not for answers of the cache. */
  onEncoded?(modality: Modality, stages: StageSeconds): void
}

/** The maximum full batches of decoded images that wait for a session: more would only fill memory. */
const batchesAhead = 4

type Result = Encoded | ItemError

export class LocalEncoder implements Encoder, ModelCatalogue {
  readonly #registry: ModelRegistry
  readonly #models: LoadedModels
  readonly #decoding: DecodePool
  readonly #admission: Admission
  readonly #cache: VectorCache
  readonly #jobs = new Coalescer()
  readonly #limits: ImageLimits
  readonly #defaultDeadlineMs: number
  readonly #onEncoded: (modality: Modality, stages: StageSeconds) => void
  readonly #loadedListeners: ((spec: ModelSpec, provider: Provider) => void)[] = []
  readonly #counts = { encoded: 0, batches: 0, cacheHits: 0, cacheMisses: 0 }

  constructor(options: LocalEncoderOptions) {
    const {
      registry,
      cacheFolder,
      provider = 'auto',
      log = silent,
      maxBatch = defaultMaxBatch.encoder,
    } = options
    const backpressure = new Backpressure(batchesAhead * maxBatch)
    this.#registry = registry
    this.#limits = options.limits ?? defaultLimits
    this.#defaultDeadlineMs = options.defaultDeadlineMs ?? 60_000
    this.#onEncoded = options.onEncoded ?? (() => {})
    this.#cache = new VectorCache(options.cacheBytes ?? 64 * 2 ** 20)
    this.#admission = new Admission(options.queueLimit ?? 1024)
    this.#decoding = new DecodePool(options.decodeThreads ?? cores, backpressure)
    this.#models = new LoadedModels({
      registry,
      provider,
      cacheFolder,
      backpressure,
      idleMs: options.idleMs ?? 600_000,
      retryMs: options.retryMs,
      maxBatch,
      threads: options.threads,
      log,
      onBatch: (model, modality, size, seconds) => {
        this.#counts.batches++
        this.#counts.encoded += size
        options.onBatch?.(model, modality, size, seconds)
      },
      onLoaded: (spec, provider) => {
        for (const listener of this.#loadedListeners) listener(spec, provider)
      },
    })
  }

  async list(): Promise<ServedModel[]> {
    return (await this.#registry.list()).map((spec) => this.#served(spec))
  }

  async get(name?: string | null): Promise<ServedModel> {
    return this.#served(await this.#registry.get(name))
  }

  failure({ revision }: Pick<ModelCard, 'revision'>): Promise<string | null> {
    return this.#registry.failures.of(revision)
  }

  /** Calls `listener` whenever a model came into memory, after those that were given before. */
  onModelLoaded(listener: (spec: ModelSpec, provider: Provider) => void): void {
    this.#loadedListeners.push(listener)
  }

  /**
   * Starts to serve files that were derived from a model meanwhile; requests go on. Null when no such file serves, or
   * its vectors would be of another revision than the stored ones.
   */
  async takeUpVariants(name: string): Promise<ModelSpec | null> {
    const spec = await this.#registry.takeUpVariants(name)
    if (spec) await this.#models.reload(spec)
    return spec
  }

  async encode(inputs: readonly EncodeInput[], options: EncodeOptions = {}): Promise<Result[]> {
    if (inputs.length === 0) return []
    options.signal?.throwIfAborted()
    // Before hashing, and before loading a model.
    this.#admission.check(
      inputs.length,
      inputs.some((input) => 'image' in input),
      options.caller,
    )
    const spec = await this.#registry.get(options.model)
    const { results, jobs } = this.#submit(inputs, spec, options)
    if (jobs.length === 0) return results as Result[]
    try {
      const { deadlineMs = this.#defaultDeadlineMs, signal, onStages } = options
      const encoded = await withDeadline(Promise.all(results), deadlineMs, signal)
      if (onStages) for (const { stages } of new Set(jobs)) if (stages) onStages(stages)
      return encoded
    } finally {
      for (const job of jobs) job.unsubscribe()
    }
  }

  async ready(): Promise<void> {
    const spec = await this.#registry.get()
    // Random inputs, so that no cache answers.
    const text = `ready ${Math.floor(Math.random() * 2 ** 48).toString(36)}`
    const results = await this.encode([{ text }, { image: await randomImage() }], { deadlineMs: 30_000 })
    const failed = results.find((result) => result instanceof ItemError)
    if (failed) throw new Error(`model "${spec.name}" does not encode: ${failed.message}`)
  }

  stats(): EncoderStats {
    return { waiting: this.#admission.waiting, limit: this.#admission.limit, ...this.#counts }
  }

  async close(): Promise<void> {
    this.#jobs.close(new Error('the encoder is closed'))
    await Promise.all([this.#decoding.close(), this.#models.close()])
  }

  /**
   * Answers from the cache, joins jobs in flight and starts jobs for the rest. The caller unsubscribes from `jobs`, which
   * has one entry for each subscription. @throws Overloaded before any job has started
   */
  #submit(
    inputs: readonly EncodeInput[],
    spec: ModelSpec,
    { priority = 'interactive', caller }: EncodeOptions,
  ) {
    const results: (Result | Promise<Result>)[] = new Array(inputs.length)
    const jobs: Job[] = []
    const fresh = new Map<string, { contentHash: string; input: EncodeInput; places: number[] }>()
    const subscribe = (job: Job, place: number) => {
      jobs.push(job)
      results[place] = job.subscribe()
    }
    try {
      for (const [place, input] of inputs.entries()) {
        const contentHash = contentHashOf(input)
        const key = `${'text' in input ? 't' : 'i'}:${contentHash}:${spec.revision}`
        const cached = this.#cache.get(key)
        const running = this.#jobs.get(key)
        const same = fresh.get(key)
        if (cached) {
          this.#counts.cacheHits++
          results[place] = cached
        } else if (running) subscribe(running, place)
        else if (same) same.places.push(place)
        else fresh.set(key, { contentHash, input, places: [place] })
      }
      this.#admission.enter(fresh.size, caller)
    } catch (error) {
      for (const job of jobs) job.unsubscribe()
      throw error
    }
    this.#counts.cacheMisses += fresh.size
    for (const [key, { contentHash, input, places }] of fresh) {
      const job = this.#jobs.start(key, {
        contentHash,
        priority,
        onDone: (result) => {
          this.#admission.leave(1, caller)
          if (result && !(result instanceof Error)) this.#cache.set(key, result)
        },
      })
      void this.#run(job, input, spec)
      for (const place of places) subscribe(job, place)
    }
    return { results, jobs }
  }

  /** Decodes or tokenizes one input and pushes it to its batcher. */
  async #run(job: Job, input: EncodeInput, spec: ModelSpec): Promise<void> {
    const { priority, since } = job
    const begun = performance.now()
    const waiting = { priority, since, hasWaiters: () => job.hasWaiters }
    const settleWith = (modality: Modality) => {
      const decode = (performance.now() - begun) / 1000
      return (result: Float32Array | Error, seconds?: { queue: number; run: number }) => {
        const stages = seconds ? { decode, queue: seconds.queue, encode: seconds.run } : null
        if (stages) this.#onEncoded(modality, stages)
        job.settle(result, stages)
      }
    }
    try {
      await this.#models.with(spec, async (model) => {
        if (!job.hasWaiters) return
        if ('text' in input) {
          const ids = model.tokenizer.encode(input.text)
          const bucket = String(model.paddedLength(ids.length))
          model.text.push({ ...waiting, input: { ids }, bucket, settle: settleWith('text') })
        } else {
          const decoded = this.#decoding.decode(input.image, spec.image, this.#limits, waiting)
          // The pool drops work that nobody waits for, and its promise stays open.
          const pixels = await Promise.race([decoded, job.settled])
          if (!pixels) return
          model.vision.push({ ...waiting, input: { pixels }, bucket: 'image', settle: settleWith('image') })
        }
        await job.settled
      })
    } catch (error) {
      job.settle(error as Error)
    }
  }

  #served(spec: ModelSpec): ServedModel {
    const { provider, loaded } = this.#models.provider(spec)
    return {
      card: cardOf(spec),
      isDefault: spec.name === this.#registry.defaultName,
      provider,
      precision: variantFor(spec, provider)?.name ?? spec.files.precision,
      loaded,
    }
  }
}

function contentHashOf(input: EncodeInput): string {
  if ('image' in input && input.contentHash) return input.contentHash
  if ('text' in input && typeof input.text !== 'string') throw new BadUserInput('A text must be a string.')
  return createHash('sha256')
    .update('text' in input ? input.text : input.image)
    .digest('hex')
}

const randomImage = (): Promise<Buffer> =>
  sharp(randomBytes(8 * 8 * 3), { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer()
