import type { AssetPatch, AssetRow } from '../../prisma/types.ts'

/** An image to be taken into the library. What is absent is read from the file's own IPTC/XMP fields. */
export interface NewImage {
  bytes: Uint8Array
  name?: string | null
  title?: string | null
  description?: string | null
  /** Joined with the keywords inside the file. */
  tags?: readonly string[] | null
  collection?: string | null
}

export interface Added {
  asset: AssetRow
  /** The same bytes were there already. */
  duplicate: boolean
}

/** The images: files on disk, rows in the database, vectors that follow. */
export interface Library {
  /**
   * Durable when it resolves: file and row are there and the vector will be, whatever dies in between.
   * @throws ItemError for an image that cannot be used
   */
  add(image: NewImage): Promise<Added>
  update(id: string, patch: AssetPatch): Promise<AssetRow | null>
  /** Returns the ids that were there. */
  delete(ids: readonly string[]): Promise<string[]>
  /** Absolute path of the stored file. */
  filePath(asset: Pick<AssetRow, 'contentHash' | 'mimeType'>): string
  /** Absolute path of a WebP thumbnail whose longest edge is `size` pixels, made on first use. */
  thumbnailPath(asset: Pick<AssetRow, 'contentHash' | 'mimeType'>, size: number): Promise<string>
  /** The stored vector of each asset under a model, encoding and storing those that are missing. */
  vectors(assets: readonly AssetRow[], model?: string | null): Promise<Map<string, Float32Array>>
  /** Index the library for this model too (search by a model other than the default), in the background. Resolves to whether it is complete now. */
  ensureIndexed(model?: string | null): Promise<boolean>
  /** Resolves when nothing is left to be indexed. */
  idle(): Promise<void>
  close(): Promise<void>
}
