import type { AssetRow, Progress, Vectors } from '../../../prisma/types.ts'
import type { Encoder } from '../../encode/encoder.ts'
import { ItemError } from '../../errors.ts'
import type { ModelCard } from '../../registry/card.ts'
import type { IndexInput, IndexTask } from './index-task.ts'

export interface VectorTaskOptions {
  vectors: Vectors
  encoder: Encoder
  card: ModelCard
  /** The model whose vectors make an asset READY, or FAILED. */
  isDefault: boolean
}

const maxPageSize = 32
/** Nobody waits for these vectors. */
const deadlineMs = 600_000

/** The vectors of one model. */
export class VectorTask implements IndexTask<Float32Array> {
  readonly name = 'vectors'
  readonly revision: string
  readonly logFields: { model: string }
  readonly pageSize: number
  readonly #options: VectorTaskOptions

  constructor(options: VectorTaskOptions) {
    const { card, encoder } = options
    this.#options = options
    this.revision = card.revision
    this.logFields = { model: card.name }
    // Two such pages leave half of the queue to callers.
    this.pageSize = Math.max(1, Math.min(maxPageSize, Math.floor(encoder.stats().limit / 4)))
  }

  missing(limit: number, after: string | null): Promise<AssetRow[]> {
    return this.#options.vectors.missing(this.revision, limit, after)
  }

  async done(assetIds: readonly string[]): Promise<Set<string>> {
    return new Set((await this.#options.vectors.get(this.revision, assetIds)).keys())
  }

  async run(images: readonly IndexInput[], signal: AbortSignal): Promise<(Float32Array | ItemError)[]> {
    const { encoder, card } = this.#options
    const results = await encoder.encode(
      images.map(({ asset, bytes }) => ({ image: bytes, contentHash: asset.contentHash })),
      { model: card.name, priority: 'bulk', deadlineMs, signal },
    )
    return results.map((result) => (result instanceof ItemError ? result : result.vector))
  }

  async put(results: readonly { asset: AssetRow; result: Float32Array }[]): Promise<void> {
    const { vectors, isDefault } = this.#options
    const rows = results.map(({ asset, result }) => ({ assetId: asset.id, vector: result }))
    await vectors.put(this.revision, rows, { ready: isDefault })
  }

  async fail(asset: AssetRow, reason: string): Promise<void> {
    // Another model's trouble leaves the asset as it is.
    if (this.#options.isDefault) await this.#options.vectors.fail(asset.id, reason)
  }

  progress(): Promise<Progress> {
    return this.#options.vectors.progress(this.revision)
  }
}
