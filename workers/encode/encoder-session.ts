/** One ONNX session for one tower of a model: feeds the graph's inputs and reads the output that is the embedding. */
import * as ort from 'onnxruntime-node'
import type { ImageSpec } from '../images/image-spec.ts'
import { normalisationTable } from '../images/normalise.ts'
import { type InputRole, inputRoles } from '../onnx/inspect/input-roles.ts'
import { pooledOutput } from '../onnx/pooled-output.ts'
import { logSeverityLevel, sessionOptions } from '../onnx/session-options.ts'
import { fromTensor } from '../onnx/tensors.ts'
import type { ModelFiles, Tower } from '../registry/spec.ts'
import type { TextSpec } from '../registry/text-spec.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { concat, cosine } from '../similarity/vectors.ts'
import { pixelTensor, tokenTensor } from './tensors.ts'

export interface EncoderSessionOptions {
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
  readonly #roles: Map<string, InputRole | null>
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
    this.#roles = inputRoles(
      session.inputMetadata.map((meta) => ({
        name: meta.name,
        isFloat: meta.isTensor && meta.type.startsWith('float'),
        rank: meta.isTensor ? meta.shape.length : null,
      })),
    )
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
    const rows = rowsOf(input)
    const fixed = this.#fixedSize(input.kind === 'pixels' ? 'pixels' : 'ids', 0)
    // A graph that has its batch size written into it runs once for each so many rows.
    if (fixed === null)
      return this.#runBatch(
        input,
        compilesShapes(this.#options.provider) ? 2 ** Math.ceil(Math.log2(rows)) : rows,
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
    const run = () => this.#session.run(feeds, [this.#output], { logSeverityLevel })
    const results = await (this.#mutex ? this.#mutex.runExclusive(run) : run())
    const output = results[this.#output]!
    const all = fromTensor(output)
    output.dispose()
    return padded === rows ? all : all.slice(0, (all.length / padded) * rows)
  }

  /** A combined graph also wants the other tower's inputs: one row without content. */
  #feeds(input: SessionInput, rows: number): Record<string, ort.Tensor> {
    const { image, text } = this.#options
    const feeds: Record<string, ort.Tensor> = {}
    for (const meta of this.#session.inputMetadata) {
      if (!meta.isTensor) continue
      const { name, type } = meta
      const role = this.#roles.get(name)
      if (!role) throw new Error(`it wants an input "${name}", which Limn does not know`)
      if (role === 'pixels') {
        const [pixels, count] = input.kind === 'pixels' ? [input.pixels, rows] : [[], 1]
        feeds[name] = pixelTensor(pixels, count, image, this.#normalisation, type)
      } else if (input.kind === 'tokens') {
        const spare = new Array<number[]>(rows - input.rows.length).fill(input.rows[0]!)
        feeds[name] = tokenTensor([...input.rows, ...spare], input.length, text, role, type)
      } else feeds[name] = tokenTensor([[text.padId]], this.#fixedSize('ids', 1) ?? 1, text, role, type)
    }
    return feeds
  }

  /** A grey image, or a few token ids padded to `length`. */
  #warmUpInput(length: number): SessionInput {
    const {
      tower,
      image,
      text: { padId, maxTokens },
    } = this.#options
    if (tower === 'vision')
      return { kind: 'pixels', pixels: [new Uint8Array(image.width * image.height * 3).fill(128)] }
    const fixed = this.#fixedSize('ids', 1) ?? Math.min(length, maxTokens)
    return { kind: 'tokens', rows: [[5, 7, padId].slice(0, fixed)], length: fixed }
  }

  /** A dimension of an input that is written into the graph; null when it is dynamic. */
  #fixedSize(role: InputRole, axis: number): number | null {
    const meta = this.#session.inputMetadata.find(({ name }) => this.#roles.get(name) === role)
    const size = meta?.isTensor ? meta.shape[axis] : null
    return typeof size === 'number' && size > 0 ? size : null
  }

  /** Whether the warm-up text has the same vector, `short`, when it is padded to full length. */
  async #shortTexts(short: Float32Array): Promise<boolean> {
    const {
      tower,
      text: { maxTokens },
    } = this.#options
    if (tower === 'vision' || this.#fixedSize('ids', 1) !== null) return false
    try {
      return cosine(short, await this.run(this.#warmUpInput(maxTokens))) > 0.9999
    } catch {
      return false
    }
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
