import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { ItemError } from '../errors.ts'
import { type ByteRange, fileSize, type OpenFile, openFile, readWhole } from '../fs/read.ts'
import { onDiskOf } from '../fs/storage-full.ts'
import { syncFolder, writeDurably } from '../fs/write.ts'
import { formats } from '../images/open.ts'
import type { FileCondition, FileStore, StoredImage } from './file-store.ts'

const extensions = new Map(Object.values(formats).map(({ mimeType, extension }) => [mimeType, extension]))

/** `<root>/ab/cdef….png`: 256 folders, named by content. Drafts lie in a folder of their own. */
export class FolderStore implements FileStore {
  readonly #root: string
  readonly #drafts: string

  constructor(root: string, drafts: string) {
    this.#root = root
    this.#drafts = drafts
  }

  /** The store of a data folder. */
  static of(home: string): FolderStore {
    return new FolderStore(path.join(home, 'files'), path.join(home, 'drafts'))
  }

  async put(hash: string, mimeType: string, bytes: Uint8Array, replace = false): Promise<void> {
    const file = this.#path(hash, mimeType)
    if (!replace && (await fileSize(file)) === bytes.byteLength) return
    const folder = path.dirname(file)
    const made = await onDiskOf(this.#root, () => mkdir(folder, { recursive: true }))
    await writeDurably(file, bytes, this.#drafts)
    if (made !== undefined) await syncFolder(path.dirname(folder))
  }

  async condition(image: StoredImage, how: 'size' | 'digest'): Promise<FileCondition> {
    try {
      const size = await fileSize(this.#path(image.contentHash, image.mimeType))
      if (size === null) return 'missing'
      if (size !== image.bytes) return 'damaged'
      if (how === 'digest') await this.read(image)
      return 'whole'
    } catch {
      // Other bytes, or a disk that cannot read them.
      return 'damaged'
    }
  }

  async read({ contentHash, mimeType }: StoredImage): Promise<Uint8Array | null> {
    const bytes = await readWhole(this.#path(contentHash, mimeType))
    if (bytes && createHash('sha256').update(bytes).digest('hex') !== contentHash)
      throw new ItemError(
        'UNREADABLE_IMAGE',
        'The stored file of the image is damaged or cut short; add the image again to restore it.',
      )
    return bytes
  }

  async open({ contentHash, mimeType, bytes }: StoredImage, range?: ByteRange): Promise<OpenFile | null> {
    const file = await openFile(this.#path(contentHash, mimeType), range)
    if (!file || file.size === bytes) return file
    file.stream.destroy()
    return null
  }

  async delete(hash: string): Promise<void> {
    const folder = path.join(this.#root, hash.slice(0, 2))
    // Recovery knows no type: the row that would name it is gone.
    const names = await readdir(folder).catch(() => [] as string[])
    const own = names.filter((name) => name.startsWith(`${hash.slice(2)}.`))
    await Promise.all(own.map((name) => rm(path.join(folder, name), { force: true })))
  }

  #path(hash: string, mimeType: string): string {
    return path.join(this.#root, hash.slice(0, 2), `${hash.slice(2)}.${extensions.get(mimeType) ?? 'bin'}`)
  }
}
