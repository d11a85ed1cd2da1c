/** One ONNX session for one tower of a model: feeds the graph's inputs and reads the output that is the embedding. */
import * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normalisationTable } from '../images/normalise.ts'
import { pooledOutput } from '../onnx/pooled-output.ts'
import { logSeverityLevel, sessionOptions } from '../onnx/session-options.ts'
import type { ModelFiles, Tower } from '../registry/spec.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { cosine } from '../similarity/vectors.ts'
import { pixelTensor, toFloat32, tokenTensor } from './tensors.ts'

export interface EncoderSessionOptions {
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

/** The first message of a session. */
export interface SessionReady {
  dimensions: number
  /** Whether a batch of short texts may be padded to its own length. */
  shortTexts: boolean
}

/** Providers that compile kernels for each shape get few batch sizes: powers of two, filled up with rows to spare. */
const compilesShapes = (provider: Provider) => provider !== 'cpu'

export class EncoderSession {
  readonly #session: ort.InferenceSession
  readonly #options: EncoderSessionOptions
  readonly #mutex: DeviceMutex | null
  readonly #output: string
  readonly #normalisation: Float32Array

  private constructor(
    session: ort.InferenceSession,
    options: EncoderSessionOptions,
    mutex: DeviceMutex | null,
  ) {
    this.#session = session
    this.#options = options
    this.#mutex = mutex
    this.#normalisation = normalisationTable(options.image)
    const outputs = session.outputMetadata.map((meta) => ({
      name: meta.name,
      rank: meta.isTensor ? meta.shape.length : null,
    }))
    this.#output = pooledOutput(outputs, options.tower)
  }

  static async load(
    options: EncoderSessionOptions,
  ): Promise<{ session: EncoderSession; ready: SessionReady }> {
    const { files, tower, provider, threads } = options
    const path = files.kind === 'combined' ? files.model : files[tower]
    const mutex = provider === 'webgpu' ? new DeviceMutex(options.deviceLock) : null
    const create = () => ort.InferenceSession.create(path, sessionOptions(provider, threads))
    const session = new EncoderSession(await (mutex ? mutex.runExclusive(create) : create()), options, mutex)
    const vector = await session.run(session.#warmUpInput(4))
    return { session, ready: { dimensions: vector.length, shortTexts: await session.#shortTexts(vector) } }
  }

  /** Embeddings of a batch as the graph gives them, row-major. */
  async run(input: SessionInput): Promise<Float32Array> {
    const rows = input.kind === 'pixels' ? input.pixels.length : input.rows.length
    const padded = compilesShapes(this.#options.provider) ? 2 ** Math.ceil(Math.log2(rows)) : rows
    const feeds = this.#feeds(input, padded)
    const run = () => this.#session.run(feeds, [this.#output], { logSeverityLevel })
    const results = await (this.#mutex ? this.#mutex.runExclusive(run) : run())
    const output = results[this.#output]!
    const all = toFloat32(output)
    output.dispose()
    return padded === rows ? all : all.slice(0, (all.length / padded) * rows)
  }

  /** A combined graph also wants the other tower's inputs: one row without content. */
  #feeds(input: SessionInput, rows: number): Record<string, ort.Tensor> {
    const { image, padId } = this.#options
    const feeds: Record<string, ort.Tensor> = {}
    for (const meta of this.#session.inputMetadata) {
      if (!meta.isTensor) continue
      const { name, type } = meta
      if (name.includes('pixel') || name.includes('image')) {
        const [pixels, count] = input.kind === 'pixels' ? [input.pixels, rows] : [[], 1]
        feeds[name] = pixelTensor(pixels, count, image, this.#normalisation, type)
      } else if (input.kind === 'tokens') {
        const spare = new Array<number[]>(rows - input.rows.length).fill(input.rows[0]!)
        feeds[name] = tokenTensor([...input.rows, ...spare], input.length, padId, meta)
      } else feeds[name] = tokenTensor([[padId]], 1, padId, meta)
    }
    return feeds
  }

  /** A grey image, or a few token ids padded to `length`. */
  #warmUpInput(length: number): SessionInput {
    const { tower, image, padId, maxTokens } = this.#options
    if (tower === 'vision')
      return { kind: 'pixels', pixels: [new Uint8Array(image.width * image.height * 3).fill(128)] }
    const padded = this.#fixedLength() ?? Math.min(length, maxTokens)
    return { kind: 'tokens', rows: [[5, 7, padId].slice(0, padded)], length: padded }
  }

  /** The sequence length that is written into the graph; null when it is dynamic. */
  #fixedLength(): number | null {
    const ids = this.#session.inputMetadata.find(({ name }) => name === 'input_ids')
    const size = ids?.isTensor ? ids.shape[1] : null
    return typeof size === 'number' ? size : null
  }

  /** Whether the warm-up text has the same vector, `short`, when it is padded to full length. */
  async #shortTexts(short: Float32Array): Promise<boolean> {
    const { tower, maxTokens } = this.#options
    if (tower === 'vision' || this.#fixedLength() !== null) return false
    try {
      return cosine(short, await this.run(this.#warmUpInput(maxTokens))) > 0.9999
    } catch {
      return false
    }
  }
}
