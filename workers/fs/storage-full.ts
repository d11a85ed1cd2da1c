/** A disk without room, named so that whoever runs the server knows which. */
import path from 'node:path'

/** The disk of a folder is full. Nothing of the call was stored. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull'
  /** For callers: without the path. */
  readonly outward = "The server's disk is full; nothing was stored. Make room there and try again."
  constructor(folder: string, options?: ErrorOptions) {
    super(
      `The disk of ${path.resolve(folder)} is full: nothing was stored. Make room there, or set LIMN_HOME to a folder on another disk.`,
      options,
    )
  }
}

/** No room on the disk, in the user's quota, or for another file. */
const full = new Set(['ENOSPC', 'EDQUOT'])

/** Runs `write`. @throws StorageFull where the disk of `folder` has no room */
export async function onDiskOf<T>(folder: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (full.has((error as NodeJS.ErrnoException).code ?? '')) throw new StorageFull(folder, { cause: error })
    throw error
  }
}
