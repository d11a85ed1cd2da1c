import type { AssetRow } from '../../../prisma/types.ts'

/** Something that is found in an image by itself: colours, tags, a text for those who cannot see it. */
export interface Enricher {
  readonly name: string
  /** Changed whenever the results would be others: then every image is looked through again. */
  readonly revision: string
  /**
   * The result as JSON.
   * @throws ItemError for an image that has none; anything else is no image's fault and is tried again
   */
  run(asset: AssetRow, bytes: Uint8Array, signal: AbortSignal): Promise<unknown>
}
