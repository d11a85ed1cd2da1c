import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { formats } from '../sources/picture.ts'

/** Where pictures are kept, by the digest of their bytes. The one implementation is a folder; an object store can be another. */
export interface FileStore {
  /** Durable when it resolves. A file that is there already is left as it is. */
  put(hash: string, mimeType: string, bytes: Uint8Array): Promise<void>
  read(hash: string, mimeType: string): Promise<Uint8Array>
  delete(hash: string): Promise<void>
  path(hash: string, mimeType: string): string
}

const extensions = new Map(Object.values(formats).map(({ mimeType, extension }) => [mimeType, extension]))

/** `<root>/ab/cdef….png`: 256 folders, named by content. */
export class FolderStore implements FileStore {
  readonly #root: string
  constructor(root: string) {
    this.#root = root
  }

  path(hash: string, mimeType: string): string {
    return path.join(this.#root, hash.slice(0, 2), `${hash.slice(2)}.${extensions.get(mimeType) ?? 'bin'}`)
  }

  async put(hash: string, mimeType: string, bytes: Uint8Array): Promise<void> {
    const file = this.path(hash, mimeType)
    if (await exists(file)) return
    await mkdir(path.dirname(file), { recursive: true })
    await writeDurably(file, bytes)
  }

  read(hash: string, mimeType: string): Promise<Uint8Array> {
    return readFile(this.path(hash, mimeType))
  }

  async delete(hash: string): Promise<void> {
    const folder = path.join(this.#root, hash.slice(0, 2))
    // Whatever its type, and a draft that a dead process left.
    const names = await readdir(folder).catch(() => [] as string[])
    const own = names.filter((name) => name.startsWith(hash.slice(2)))
    await Promise.all(own.map((name) => rm(path.join(folder, name), { force: true })))
  }
}

export const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  )

let drafts = 0

/** Whole or not at all, on disk when it resolves: draft, fsync, rename, fsync of the folder. */
export async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}-${drafts++}.draft`
  const handle = await open(draft, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
  await syncFolder(path.dirname(file))
}

/** A rename is durable only when its folder is. Windows cannot open folders, and does not need to. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
