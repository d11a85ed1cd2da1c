import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { type ByteRange, exists, type OpenFile, openFile, readWhole } from '../fs/read.ts'
import { onDiskOf } from '../fs/storage-full.ts'
import { syncFolder, writeDurably } from '../fs/write.ts'
import { formats } from '../images/open.ts'
import type { FileStore } from './file-store.ts'

const extensions = new Map(Object.values(formats).map(({ mimeType, extension }) => [mimeType, extension]))

/** `<root>/ab/cdef….png`: 256 folders, named by content. Drafts lie in a folder of their own. */
export class FolderStore implements FileStore {
  readonly #root: string
  readonly #drafts: string

  constructor(root: string, drafts: string) {
    this.#root = root
    this.#drafts = drafts
  }

  async put(hash: string, mimeType: string, bytes: Uint8Array, replace = false): Promise<void> {
    const file = this.#path(hash, mimeType)
    if (!replace && (await exists(file))) return
    const folder = path.dirname(file)
    const made = await onDiskOf(this.#root, () => mkdir(folder, { recursive: true }))
    await writeDurably(file, bytes, this.#drafts)
    if (made !== undefined) await syncFolder(path.dirname(folder))
  }

  has(hash: string, mimeType: string): Promise<boolean> {
    return exists(this.#path(hash, mimeType))
  }

  read(hash: string, mimeType: string): Promise<Uint8Array | null> {
    return readWhole(this.#path(hash, mimeType))
  }

  open(hash: string, mimeType: string, range?: ByteRange): Promise<OpenFile | null> {
    return openFile(this.#path(hash, mimeType), range)
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
