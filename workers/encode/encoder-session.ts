/** One ONNX session for one tower of a model: which inputs it wants, which output is the embedding. */

import os from 'node:os'
import * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normalisationTable, normaliseInto } from '../images/normalise.ts'
import { pooledOutput } from '../onnx/pooled-output.ts'
import type { ModelFiles, Tower } from '../registry/spec.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { cosine } from '../similarity/vectors.ts'
import { padBatch } from './tokenizer.ts'

export interface SessionSettings {
  tower: Tower
  files: ModelFiles
  provider: Provider
  image: ImageSpec
  maxTokens: number
  padId: number
  threads: number
  /** Shared by all sessions whose provider serves one thread at a time. */
  deviceLock: SharedArrayBuffer
}

export type SessionInput =
  | { kind: 'pixels'; pixels: Uint8Array[] }
  | { kind: 'tokens'; rows: number[][]; length: number }

/** Said once the session is there. */
export interface SessionReady {
  dimensions: number
  /** Whether a batch of short texts may be padded to its own length. */
  shortTexts: boolean
}

/** Providers whose kernels are compiled for each shape: they get a few batch sizes only, the rest is filled up. */
const compilesShapes = (provider: Provider) => provider !== 'cpu'

export class EncoderSession {
  readonly #session: ort.InferenceSession
  readonly #settings: SessionSettings
  readonly #turns: DeviceMutex | null
  readonly #output: string
  readonly #table: Float32Array

  private constructor(session: ort.InferenceSession, settings: SessionSettings, turns: DeviceMutex | null) {
    this.#turns = turns
    this.#session = session
    this.#settings = settings
    this.#table = normalisationTable(settings.image)
    const outputs = session.outputMetadata.map((meta) => ({
      name: meta.name,
      rank: meta.isTensor ? meta.shape.length : null,
    }))
    this.#output = pooledOutput(outputs, settings.tower)
  }

  static async load(settings: SessionSettings): Promise<{ graph: EncoderSession; ready: SessionReady }> {
    const { files, tower, provider, threads } = settings
    const path = files.kind === 'combined' ? files.model : files[tower]
    const turns = provider === 'webgpu' ? new DeviceMutex(settings.deviceLock) : null
    const create = () =>
      ort.InferenceSession.create(path, {
        executionProviders: [provider],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // A spinning thread pool takes the cores that decode the next batch.
        extra: {
          session: {
            intra_op: { allow_spinning: '0' },
            // Else weights stay twice in memory: as read from the file, and as packed for the kernels.
            use_device_allocator_for_initializers: '1',
          },
        },
        // What fails is thrown, with the same words.
        logSeverityLevel: 4,
      })
    const session = await (turns ? turns.runExclusive(create) : create())
    const graph = new EncoderSession(session, settings, turns)
    const canary = await graph.run(graph.#warmUpInput(4))
    return { graph, ready: { dimensions: canary.length, shortTexts: await graph.#shortTexts(canary) } }
  }

  /** Embeddings of a batch as the graph gives them, row-major. */
  async run(input: SessionInput): Promise<Float32Array> {
    const rows = input.kind === 'pixels' ? input.pixels.length : input.rows.length
    const padded = compilesShapes(this.#settings.provider) ? 2 ** Math.ceil(Math.log2(rows)) : rows
    const feeds = this.#feeds(input, padded)
    const run = () => this.#session.run(feeds, [this.#output], { logSeverityLevel: 4 })
    const results = await (this.#turns ? this.#turns.runExclusive(run) : run())
    const output = results[this.#output]!
    const all = toFloat32(output)
    const vectors = padded === rows ? all : all.slice(0, (all.length / padded) * rows)
    output.dispose()
    return vectors
  }

  #feeds(input: SessionInput, rows: number): Record<string, ort.Tensor> {
    const feeds: Record<string, ort.Tensor> = {}
    for (const meta of this.#session.inputMetadata) {
      if (!meta.isTensor) continue
      const { name, type } = meta
      if (name.includes('pixel') || name.includes('image'))
        feeds[name] =
          input.kind === 'pixels' ? this.#pixels(input.pixels, rows, type) : this.#pixels([], 1, type)
      else feeds[name] = this.#tokens(input.kind === 'tokens' ? input : null, rows, name, type)
    }
    return feeds
  }

  #pixels(images: Uint8Array[], rows: number, type: string): ort.Tensor {
    const { width, height } = this.#settings.image
    const data = new Float32Array(rows * 3 * height * width)
    for (const [row, image] of images.entries())
      normaliseInto(data, row * 3 * height * width, image, this.#table)
    const shape = [rows, 3, height, width]
    return type === 'float16'
      ? new ort.Tensor('float16', new Uint16Array(new Float16Array(data).buffer), shape)
      : new ort.Tensor('float32', data, shape)
  }

  #tokens(
    input: { rows: number[][]; length: number } | null,
    rows: number,
    name: string,
    type: string,
  ): ort.Tensor {
    const { padId } = this.#settings
    const length = input?.length ?? 1
    const filled = input
      ? [...input.rows, ...new Array(rows - input.rows.length).fill(input.rows[0])]
      : [[padId]]
    const batch = padBatch(filled, length, padId)
    const data = name.includes('mask') ? batch.mask : name.includes('type') ? batch.mask.fill(0n) : batch.ids
    const shape = [filled.length, length]
    return type === 'int32'
      ? new ort.Tensor('int32', Int32Array.from(data, Number), shape)
      : new ort.Tensor('int64', data, shape)
  }

  /** Something to run: a grey image, or a few token ids padded to `length`. */
  #warmUpInput(length: number): SessionInput {
    const { tower, image, padId, maxTokens } = this.#settings
    if (tower === 'vision')
      return { kind: 'pixels', pixels: [new Uint8Array(image.width * image.height * 3).fill(128)] }
    const fixed = this.#fixedLength() ?? Math.min(length, maxTokens)
    return { kind: 'tokens', rows: [[5, 7, padId].slice(0, fixed)], length: fixed }
  }

  /** The sequence length that is written into the graph, when it is. */
  #fixedLength(): number | null {
    const ids = this.#session.inputMetadata.find(({ name }) => name === 'input_ids')
    const size = ids?.isTensor ? ids.shape[1] : null
    return typeof size === 'number' ? size : null
  }

  /** True when a short text padded to its own length gives the vector it has at full length. */
  async #shortTexts(short: Float32Array): Promise<boolean> {
    const { tower, maxTokens } = this.#settings
    if (tower === 'vision' || this.#fixedLength() !== null) return false
    try {
      return cosine(short, await this.run(this.#warmUpInput(maxTokens))) > 0.9999
    } catch {
      return false
    }
  }

  release(): Promise<void> {
    return this.#session.release()
  }
}

function toFloat32(tensor: ort.Tensor): Float32Array {
  if (tensor.type === 'float32') return (tensor.data as Float32Array).slice()
  if (tensor.type !== 'float16') throw new Error(`embeddings of type ${tensor.type}`)
  const data = tensor.data as unknown as Uint16Array | Float16Array
  return Float32Array.from(
    data instanceof Uint16Array ? new Float16Array(data.buffer, data.byteOffset, data.length) : data,
  )
}

export const cores = os.availableParallelism()
