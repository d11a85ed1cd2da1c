import type { AssetRow, Progress } from '../../../prisma/types.ts'
import type { ItemError } from '../../errors.ts'

/** An image as a task gets it: its row and the bytes of its file. */
export interface IndexInput {
  asset: AssetRow
  bytes: Uint8Array
}

/** What an Indexer drives: computes something once for each asset and revision, and keeps it in the database. */
export interface IndexTask<Result = unknown> {
  /** With the revision it names the work, over all servers of a database. */
  readonly name: string
  /** Another revision makes everything anew. */
  readonly revision: string
  /** Names it in the log. */
  readonly logFields: Readonly<Record<string, string>>
  /** Images that are computed and stored together. */
  readonly pageSize: number
  /** Assets without an outcome, oldest first, id > after. */
  missing(limit: number, after: string | null): Promise<AssetRow[]>
  /** Those of the assets that have a result. */
  done(assetIds: readonly string[]): Promise<Set<string>>
  /**
   * One result for each image, in order; an ItemError is a verdict on that image.
   * @throws whatever is no image's fault: all of the page is tried again
   */
  run(images: readonly IndexInput[], signal: AbortSignal): Promise<(Result | ItemError)[]>
  /** Stores results. */
  put(results: readonly { asset: AssetRow; result: Result }[]): Promise<void>
  /** Stores why an asset has no result, where that is kept. */
  fail(asset: AssetRow, reason: string): Promise<void>
  progress(): Promise<Progress>
  /** Called when nothing waits any more. */
  finish?(): Promise<void>
}
