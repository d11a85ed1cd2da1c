import type { AssetRow, Enrichments, Progress } from '../../../prisma/types.ts'
import { ItemError } from '../../errors.ts'
import type { Enricher } from './enricher.ts'
import type { IndexInput, IndexTask } from './index-task.ts'

const pageSize = 8

/** Keeps the results of a {@link Enricher} in the table of enrichments. */
export class EnricherTask implements IndexTask {
  readonly name: string
  readonly revision: string
  readonly logFields: { enricher: string }
  readonly pageSize = pageSize
  readonly #enricher: Enricher
  readonly #enrichments: Enrichments
  #pruned = false

  constructor(enricher: Enricher, enrichments: Enrichments) {
    this.#enricher = enricher
    this.#enrichments = enrichments
    this.name = enricher.name
    this.revision = enricher.revision
    this.logFields = { enricher: enricher.name }
  }

  missing(limit: number, after: string | null): Promise<AssetRow[]> {
    return this.#enrichments.missing(this.name, this.revision, limit, after)
  }

  async done(assetIds: readonly string[]): Promise<Set<string>> {
    return new Set((await this.#enrichments.get(this.name, this.revision, assetIds)).keys())
  }

  run(images: readonly IndexInput[], signal: AbortSignal): Promise<unknown[]> {
    return Promise.all(
      images.map(async ({ asset, bytes }) => {
        try {
          return await this.#enricher.run(asset, bytes, signal)
        } catch (error) {
          if (error instanceof ItemError) return error
          throw error
        }
      }),
    )
  }

  async put(results: readonly { asset: AssetRow; result: unknown }[]): Promise<void> {
    const outcomes = results.map(({ asset, result }) => ({ assetId: asset.id, result }))
    await this.#enrichments.put(this.name, this.revision, outcomes)
  }

  async fail(asset: AssetRow, reason: string): Promise<void> {
    await this.#enrichments.put(this.name, this.revision, [{ assetId: asset.id, error: reason }])
  }

  progress(): Promise<Progress> {
    return this.#enrichments.progress(this.name, this.revision)
  }

  /** Older revisions serve nobody once this one is there for every asset. */
  async finish(): Promise<void> {
    if (this.#pruned) return
    const { done, total } = await this.progress()
    if (done < total) return
    await this.#enrichments.prune(this.name, this.revision)
    this.#pruned = true
  }
}
