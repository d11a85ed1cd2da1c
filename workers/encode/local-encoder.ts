import { createHash, randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { BadUserInput, DeadlineExceeded, ItemError } from '../errors.ts'
import { DecodePool } from '../images/decode-pool.ts'
import { defaultLimits, type ImageLimits } from '../images/open.ts'
import { type Log, silent } from '../log.ts'
import type { ModelRegistry } from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { Admission } from '../runtime/admission.ts'
import type { Provider } from '../runtime/provider.ts'
import { Job } from './coalescer.ts'
import type {
  Encoded,
  EncodeInput,
  EncodeOptions,
  Encoder,
  EncoderModel,
  EncoderStats,
  Modality,
} from './encoder.ts'
import { cores } from './encoder-session.ts'
import { LoadedModels } from './loaded-models.ts'
import { VectorCache } from './vector-cache.ts'

export interface EncoderOptions {
  registry: ModelRegistry
  /** Where the choice of a provider is remembered. */
  cacheFolder: string
  provider?: Provider | 'auto'
  /** Items that may be admitted and not yet answered. */
  queueLimit?: number
  /** Bytes of vectors kept. */
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
  /** A model is in memory. */
  onLoaded?(spec: ModelSpec, provider: Provider): void
}

/** Full batches of decoded images that may wait for a session: more would only fill memory. */
const batchesAhead = 4

/** An encoder whose models run in threads of this process. */
export async function createEncoder(options: EncoderOptions): Promise<Encoder> {
  const { registry, cacheFolder, limits = defaultLimits, log = silent, defaultDeadlineMs = 60_000 } = options
  const cache = new VectorCache(options.cacheBytes ?? 64 * 2 ** 20)
  const admission = new Admission(options.queueLimit ?? 1024)
  const jobs = new Map<string, Job>()
  const counts = { encoded: 0, batches: 0, cacheHits: 0, cacheMisses: 0 }
  const maxBatch = options.maxBatch ?? 16
  const decoding = new DecodePool(
    options.decodeThreads ?? cores,
    () => models.waitingImages < batchesAhead * maxBatch,
  )
  const models = new LoadedModels({
    registry,
    provider: options.provider ?? 'auto',
    cacheFolder,
    idleMs: options.idleMs ?? 600_000,
    retryMs: options.retryMs,
    maxBatch,
    threads: options.threads,
    log,
    onBatch(model, modality, size, seconds) {
      counts.batches++
      counts.encoded += size
      options.onBatch?.(model, modality, size, seconds)
    },
    onLoaded: options.onLoaded,
    onDequeue: () => decoding.resume(),
  })

  /** Work for one input that nobody is at yet: decoded or tokenized, then through its lane. */
  async function work(job: Job, input: EncodeInput, spec: ModelSpec): Promise<void> {
    const hasWaiters = () => job.hasWaiters
    const { priority, since } = job
    const settle = (result: Float32Array | Error) => job.settle(result)
    try {
      await models.with(spec, async (model) => {
        if (!job.hasWaiters) return
        if ('text' in input) {
          const ids = model.tokenizer.encode(input.text)
          const bucket = String(model.paddedLength(ids.length))
          model.text.push({ input: { ids }, bucket, priority, since, hasWaiters, settle })
        } else {
          const decoded = decoding.decode(input.image, spec.image, limits, { priority, since, hasWaiters })
          // Work that nobody wants is never decoded, and its promise stays open.
          const pixels = await Promise.race([decoded, job.settled])
          if (!pixels) return
          model.vision.push({ input: { pixels }, bucket: 'image', priority, since, hasWaiters, settle })
        }
        await job.settled
      })
    } catch (error) {
      settle(error as Error)
    }
  }

  function start(
    key: string,
    hash: string,
    input: EncodeInput,
    spec: ModelSpec,
    options: EncodeOptions,
  ): Job {
    const job = new Job(hash, options.priority ?? 'interactive', (result) => {
      jobs.delete(key)
      admission.leave(1)
      if (result && !(result instanceof Error)) cache.set(key, result)
    })
    jobs.set(key, job)
    void work(job, input, spec)
    return job
  }

  async function encode(inputs: readonly EncodeInput[], options: EncodeOptions = {}) {
    if (inputs.length === 0) return []
    options.signal?.throwIfAborted()
    // Turned away before anything that costs: hashing, loading a model.
    admission.check(
      inputs.length,
      inputs.some((input) => 'image' in input),
    )
    const spec = await registry.get(options.model)
    const results: (Encoded | ItemError | Promise<Encoded | ItemError>)[] = new Array(inputs.length)
    const fresh = new Map<string, { hash: string; input: EncodeInput; places: number[] }>()
    const held: Job[] = []
    try {
      inputs.forEach((input, place) => {
        const hash = contentHash(input)
        const key = `${'text' in input ? 't' : 'i'}:${hash}:${spec.revision}`
        const cached = cache.get(key)
        if (cached) {
          counts.cacheHits++
          results[place] = cached
          return
        }
        const running = jobs.get(key)
        if (running) {
          held.push(running)
          results[place] = running.subscribe()
          return
        }
        const same = fresh.get(key)
        if (same) same.places.push(place)
        else fresh.set(key, { hash, input, places: [place] })
      })
      admission.enter(fresh.size)
    } catch (error) {
      for (const job of held) job.unsubscribe()
      throw error
    }
    counts.cacheMisses += fresh.size
    for (const [key, { hash, input, places }] of fresh) {
      const job = start(key, hash, input, spec, options)
      for (const place of places) {
        held.push(job)
        results[place] = job.subscribe()
      }
    }
    return held.length === 0 ? (results as Encoded[]) : awaitWithDeadline(results, held, options)
  }

  /** Waits for the results until the deadline or the caller's signal; what nobody else wants is then dropped. */
  async function awaitWithDeadline(
    results: (Encoded | ItemError | Promise<Encoded | ItemError>)[],
    held: Job[],
    { deadlineMs = defaultDeadlineMs, signal }: EncodeOptions,
  ): Promise<(Encoded | ItemError)[]> {
    const gone = Promise.withResolvers<never>()
    const abort = () => gone.reject(signal!.reason)
    const timer = setTimeout(() => gone.reject(DeadlineExceeded.after(deadlineMs)), deadlineMs)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([Promise.all(results), gone.promise])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      for (const job of held) job.unsubscribe()
    }
  }

  const describe = (spec: EncoderModel['spec']): EncoderModel => ({
    spec,
    isDefault: spec.name === registry.defaultName,
    ...models.provider(spec),
  })

  return {
    encode,
    async models() {
      return (await registry.list()).map(describe)
    },
    async model(name) {
      return describe(await registry.get(name))
    },
    failure: ({ revision }) => registry.failures.of(revision),
    async takeUpVariants(name) {
      const spec = await registry.takeUpVariants(name)
      if (spec) await models.reload(spec)
      return spec
    },
    async ready() {
      const spec = await registry.get()
      // A text and an image that no cache knows.
      const nonce = Math.floor(Math.random() * 2 ** 48).toString(36)
      const results = await encode([{ text: `ready ${nonce}` }, { image: await canary() }], {
        deadlineMs: 30_000,
      })
      const failed = results.find((result) => result instanceof ItemError)
      if (failed) throw new Error(`model "${spec.name}" does not encode: ${(failed as ItemError).message}`)
    },
    stats(): EncoderStats {
      return { waiting: admission.waiting, limit: admission.limit, ...counts }
    },
    async close() {
      for (const job of jobs.values()) job.settle(new Error('the encoder is closed'))
      await Promise.all([decoding.close(), models.close()])
    },
  }
}

function contentHash(input: EncodeInput): string {
  if ('image' in input && input.contentHash) return input.contentHash
  if ('text' in input && typeof input.text !== 'string') throw new BadUserInput('A text must be a string.')
  return createHash('sha256')
    .update('text' in input ? input.text : input.image)
    .digest('hex')
}

/** An image of chance. */
const canary = (): Promise<Buffer> =>
  sharp(randomBytes(8 * 8 * 3), { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer()
