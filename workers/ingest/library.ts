import type { AssetChange, AssetPatch, AssetRow, Progress } from '../../prisma/types.ts'
import type { ByteRange, OpenFile } from '../fs/read.ts'
import type { StoredImage } from './file-store.ts'
import type { Labels } from './labels/labels.ts'
import type { DuplicatePolicy } from './labels/merge.ts'

/** An image to be added to the library. Absent fields are read from the file's own IPTC/XMP fields. */
export interface NewImage extends Labels {
  bytes: Uint8Array
  /** Its name where none is given: of a duplicate it changes nothing. */
  fileName?: string | null | undefined
  /** Joined with the keywords inside the file. */
  tags?: readonly string[] | null
  /** Images sort by id: whoever adds several at once makes their ids before, in order. */
  id?: string
  /** MERGE when absent. */
  onDuplicate?: DuplicatePolicy
}

export interface Added {
  asset: AssetRow
  /** The same bytes were there already. */
  duplicate: boolean
  /** Fields of an asset that was there already which took something from the labels given now. */
  changed: (keyof AssetPatch)[]
}

/** How far an enricher has come. */
export interface EnricherProgress extends Progress {
  /** `vectors` for those of a model. */
  enricher: string
  revision: string
}

/** The images: files in a store, rows in the database, vectors and enrichments that follow. */
export interface Library {
  /**
   * Durable when it resolves: file and row are there and the vector will be, whatever dies in between.
   * @throws ItemError for an image that cannot be used
   */
  add(image: NewImage): Promise<Added>
  /** Gives labels to an image that is there already. */
  label(asset: AssetRow, labels: Labels, policy: DuplicatePolicy): Promise<Added>
  /** null when there is no such asset, or when its labels are no longer those of `unchanged`. */
  update(id: string, patch: AssetPatch, unchanged?: AssetRow): Promise<AssetRow | null>
  /** All of them at once; returns the new rows of those whose labels are still those of `row`. */
  updateEach(changes: readonly AssetChange[]): Promise<AssetRow[]>
  /** Returns the ids that were there. */
  delete(ids: readonly string[]): Promise<string[]>
  /** The stored file, or a part of it; null where this server lacks it, or has it damaged. */
  openFile(asset: StoredImage, range?: ByteRange): Promise<OpenFile | null>
  /** The stored file's bytes; null where this server lacks it. @throws ItemError where they are damaged */
  readFile(asset: StoredImage): Promise<Uint8Array | null>
  /**
   * A WebP thumbnail whose longest edge is `size` pixels, made on first use; null where this server lacks the file.
   * @throws ItemError when the image does not decode
   */
  openThumbnail(asset: StoredImage, size: number, range?: ByteRange): Promise<OpenFile | null>
  /** The stored vector of each asset under a model, encoding and storing those that are missing. */
  vectors(assets: readonly AssetRow[], model?: string | null): Promise<Map<string, Float32Array>>
  /** Index the library for this model too (search by a model other than the default), in the background. Resolves to whether it is complete now. */
  ensureIndexed(model?: string | null): Promise<boolean>
  /** Of everything that is computed for each asset. */
  progress(): Promise<EnricherProgress[]>
  /** Resolves when nothing is left to be indexed. */
  idle(): Promise<void>
  close(): Promise<void>
}
