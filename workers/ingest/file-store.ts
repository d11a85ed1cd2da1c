import type { AssetRow } from '../../prisma/types.ts'
import type { ByteRange, OpenFile } from '../fs/read.ts'

/** All that names a stored image. */
export type StoredImage = Pick<AssetRow, 'contentHash' | 'mimeType'>

/**
 * Where images are kept, by the digest of their bytes: a folder today. It hands out bytes and never paths, so that an
 * object store can be another implementation.
 */
export interface FileStore {
  /** Durable when it resolves. Leaves a file that is there already as it is, unless `replace` is set. */
  put(hash: string, mimeType: string, bytes: Uint8Array, replace?: boolean): Promise<void>
  has(hash: string, mimeType: string): Promise<boolean>
  /** Null where there is none. */
  read(hash: string, mimeType: string): Promise<Uint8Array | null>
  /** Null where there is none. */
  open(hash: string, mimeType: string, range?: ByteRange): Promise<OpenFile | null>
  /** Of any type; none is no error. */
  delete(hash: string): Promise<void>
}
