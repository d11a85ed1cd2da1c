import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder, writeDurably } from '../fs/write.ts'
import { formats } from '../images/open.ts'

/** Where images are kept, by the digest of their bytes. The one implementation is a folder; an object store can be another. */
export interface FileStore {
  /** Durable when it resolves. A file that is there already is left as it is, unless it is to be replaced. */
  put(hash: string, mimeType: string, bytes: Uint8Array, replace?: boolean): Promise<void>
  has(hash: string, mimeType: string): Promise<boolean>
  read(hash: string, mimeType: string): Promise<Uint8Array>
  /** Of any type; none is no error. */
  delete(hash: string): Promise<void>
  /** Hashes of everything that is kept. */
  list(): AsyncIterable<string>
  path(hash: string, mimeType: string): string
}

const extensions = new Map(Object.values(formats).map(({ mimeType, extension }) => [mimeType, extension]))

/** `<root>/ab/cdef….png`: 256 folders, named by content. Drafts lie in a folder of their own. */
export class FolderStore implements FileStore {
  readonly #root: string
  readonly #drafts: string
  constructor(root: string, drafts: string) {
    this.#root = root
    this.#drafts = drafts
  }

  path(hash: string, mimeType: string): string {
    return path.join(this.#root, hash.slice(0, 2), `${hash.slice(2)}.${extensions.get(mimeType) ?? 'bin'}`)
  }

  async put(hash: string, mimeType: string, bytes: Uint8Array, replace = false): Promise<void> {
    const file = this.path(hash, mimeType)
    if (!replace && (await exists(file))) return
    const folder = path.dirname(file)
    const made = await mkdir(folder, { recursive: true })
    await writeDurably(file, bytes, this.#drafts)
    if (made !== undefined) await syncFolder(path.dirname(folder))
  }

  has(hash: string, mimeType: string): Promise<boolean> {
    return exists(this.path(hash, mimeType))
  }

  read(hash: string, mimeType: string): Promise<Uint8Array> {
    return readFile(this.path(hash, mimeType))
  }

  async delete(hash: string): Promise<void> {
    const folder = path.join(this.#root, hash.slice(0, 2))
    // Recovery knows no type: the row that would say it is gone.
    const names = await readdir(folder).catch(() => [] as string[])
    const own = names.filter((name) => name.startsWith(`${hash.slice(2)}.`))
    await Promise.all(own.map((name) => rm(path.join(folder, name), { force: true })))
  }

  async *list(): AsyncIterable<string> {
    for (const shard of await readdir(this.#root).catch(() => [] as string[]))
      for (const name of await readdir(path.join(this.#root, shard)))
        yield shard + name.slice(0, name.lastIndexOf('.'))
  }
}

export const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  )
