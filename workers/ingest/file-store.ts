import type { AssetRow } from '../../prisma/types.ts'
import type { ByteRange, OpenFile } from '../fs/read.ts'

/** All that names a stored image, and tells whether its file is whole. */
export type StoredImage = Pick<AssetRow, 'contentHash' | 'mimeType' | 'bytes'>

/** Files are named by the digest of their bytes: one with other bytes is damaged. */
export type FileCondition = 'whole' | 'missing' | 'damaged'

/**
 * Where images are kept, by the digest of their bytes: a folder today. It hands out bytes and never paths, so that an
 * object store can be another implementation.
 */
export interface FileStore {
  /** Durable when it resolves. Leaves a file of that size that is there already, unless `replace` is set. */
  put(hash: string, mimeType: string, bytes: Uint8Array, replace?: boolean): Promise<void>
  /** By its size alone, or by the digest of all its bytes. */
  condition(image: StoredImage, how: 'size' | 'digest'): Promise<FileCondition>
  /** The bytes, compared with their digest; null where there are none. @throws ItemError where they are damaged */
  read(image: StoredImage): Promise<Uint8Array | null>
  /** Null where there is none of this size. */
  open(image: StoredImage, range?: ByteRange): Promise<OpenFile | null>
  /** Of any type; none is no error. */
  delete(hash: string): Promise<void>
}
