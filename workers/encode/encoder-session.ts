/** One ONNX session for one tower of a model: which inputs it wants, which output is the embedding. */

import os from 'node:os'
import * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normalisationTable, normaliseInto } from '../images/preprocess.ts'
import { type InputRole, inputRoles } from '../onnx/inspect/input-roles.ts'
import { pooledOutput } from '../onnx/pooled-output.ts'
import { floatTensor, fromTensor, integerTensor } from '../onnx/tensors.ts'
import type { ModelFiles, Tower } from '../registry/spec.ts'
import type { TextSpec } from '../registry/text-spec.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { cosine } from '../similarity/vectors.ts'
import { padBatch } from './tokenizer.ts'

export interface SessionSettings {
  tower: Tower
  files: ModelFiles
  provider: Provider
  image: ImageSpec
  text: Pick<TextSpec, 'maxTokens' | 'padId' | 'padSide'>
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
  readonly #roles: Map<string, InputRole | null>
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
    this.#roles = inputRoles(
      session.inputMetadata.map((meta) => ({
        name: meta.name,
        isFloat: meta.isTensor && meta.type.startsWith('float'),
        rank: meta.isTensor ? meta.shape.length : null,
      })),
    )
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
    const rows = rowsOf(input)
    const fixed = this.#fixedSize(input.kind === 'pixels' ? 'pixels' : 'ids', 0)
    // A graph that has its batch size written into it runs once for each so many rows.
    if (fixed === null)
      return this.#runBatch(
        input,
        compilesShapes(this.#settings.provider) ? 2 ** Math.ceil(Math.log2(rows)) : rows,
      )
    if (fixed === rows) return this.#runBatch(input, rows)
    const parts: Float32Array[] = []
    for (let from = 0; from < rows; from += fixed) {
      const part = slice(input, from, fixed)
      const vectors = await this.#runBatch(part, fixed)
      parts.push(vectors.subarray(0, (vectors.length / fixed) * Math.min(fixed, rows - from)))
    }
    return concat(parts)
  }

  /** `padded` rows go in; those beyond the input's own are filled up. */
  async #runBatch(input: SessionInput, padded: number): Promise<Float32Array> {
    const rows = rowsOf(input)
    const feeds = this.#feeds(input, padded)
    const run = () => this.#session.run(feeds, [this.#output], { logSeverityLevel: 4 })
    const results = await (this.#turns ? this.#turns.runExclusive(run) : run())
    const output = results[this.#output]!
    const all = fromTensor(output)
    const vectors = padded === rows ? all : all.slice(0, (all.length / padded) * rows)
    output.dispose()
    return vectors
  }

  #feeds(input: SessionInput, rows: number): Record<string, ort.Tensor> {
    const feeds: Record<string, ort.Tensor> = {}
    for (const meta of this.#session.inputMetadata) {
      if (!meta.isTensor) continue
      const { name, type } = meta
      const role = this.#roles.get(name)
      if (!role) throw new Error(`it wants an input "${name}", which Limn does not know`)
      // A combined graph wants something for the other tower too.
      if (role === 'pixels')
        feeds[name] =
          input.kind === 'pixels' ? this.#pixels(input.pixels, rows, type) : this.#pixels([], 1, type)
      else feeds[name] = this.#tokens(input.kind === 'tokens' ? input : null, rows, role, type)
    }
    return feeds
  }

  #pixels(images: Uint8Array[], rows: number, type: string): ort.Tensor {
    const { width, height } = this.#settings.image
    const data = new Float32Array(rows * 3 * height * width)
    for (const [row, image] of images.entries())
      normaliseInto(data, row * 3 * height * width, image, this.#table)
    const shape = [rows, 3, height, width]
    return floatTensor(data, shape, type)
  }

  #tokens(
    input: { rows: number[][]; length: number } | null,
    rows: number,
    role: InputRole,
    type: string,
  ): ort.Tensor {
    const { padId, padSide } = this.#settings.text
    const length = input?.length ?? this.#fixedSize('ids', 1) ?? 1
    const filled = input
      ? [...input.rows, ...new Array(rows - input.rows.length).fill(input.rows[0])]
      : [[padId]]
    const { ids, mask } = padBatch(filled, length, padId, padSide)
    const shape = [filled.length, length]
    if (role === 'ids') return integerTensor(ids, shape, type)
    if (role === 'mask') return integerTensor(mask, shape, type)
    // One segment, and places from 0 on: encoders count them whether they are masked or not.
    return integerTensor(
      ids.map((_, i) => (role === 'types' ? 0n : BigInt(i % length))),
      shape,
      type,
    )
  }

  /** Something to run: a grey image, or a few token ids padded to `length`. */
  #warmUpInput(length: number): SessionInput {
    const {
      tower,
      image,
      text: { padId, maxTokens },
    } = this.#settings
    if (tower === 'vision')
      return { kind: 'pixels', pixels: [new Uint8Array(image.width * image.height * 3).fill(128)] }
    const fixed = this.#fixedSize('ids', 1) ?? Math.min(length, maxTokens)
    return { kind: 'tokens', rows: [[5, 7, padId].slice(0, fixed)], length: fixed }
  }

  /** A dimension of an input that is written into the graph, when it is. */
  #fixedSize(role: InputRole, axis: number): number | null {
    const meta = this.#session.inputMetadata.find(({ name }) => this.#roles.get(name) === role)
    const size = meta?.isTensor ? meta.shape[axis] : null
    return typeof size === 'number' && size > 0 ? size : null
  }

  /** True when a short text padded to its own length gives the vector it has at full length. */
  async #shortTexts(short: Float32Array): Promise<boolean> {
    const {
      tower,
      text: { maxTokens },
    } = this.#settings
    if (tower === 'vision' || this.#fixedSize('ids', 1) !== null) return false
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

const rowsOf = (input: SessionInput) => (input.kind === 'pixels' ? input.pixels.length : input.rows.length)

/** `count` rows from there on; the first of them stands in for those that are not there. */
function slice(input: SessionInput, from: number, count: number): SessionInput {
  const part = <T>(rows: T[]) => Array.from({ length: count }, (_, i) => rows[from + i] ?? rows[from]!)
  return input.kind === 'pixels'
    ? { ...input, pixels: part(input.pixels) }
    : { ...input, rows: part(input.rows) }
}

function concat(parts: Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export const cores = os.availableParallelism()
