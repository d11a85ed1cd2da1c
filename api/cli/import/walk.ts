import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { legible, reasonToSkip } from './names.ts'

export interface ImageFile {
  /** Absolute, in bytes: a name need not be UTF-8. */
  path: Buffer
  /** Below the folder that is imported, with forward slashes, as people read it. */
  relative: string
  size: number
  mtimeMs: number
}

/** A file or folder that is not imported. */
export interface PassedOver {
  relative: string
  reason: string
}

export interface FolderTree {
  files: ImageFile[]
  /** Files of other types. */
  others: PassedOver[]
  /** What is left out on purpose: hidden, of the system, or reached before. */
  skipped: PassedOver[]
  /** What could not be looked at. */
  unreadable: PassedOver[]
}

const images = /\.(jpe?g|jpe|png|webp|avif|gif|tiff?|svg)$/i
const separator = Buffer.from(path.sep)

/**
 * Images of a folder tree, in the order of their names. Hidden files and folders, those of the system and `except` (a
 * folder's real path) are passed over; links are followed, each folder visited once however many links lead to it.
 */
export async function walk(root: string, except: string | null = null): Promise<FolderTree> {
  const tree: FolderTree = { files: [], others: [], skipped: [], unreadable: [] }
  const visited = new Set<string>()

  async function visit(folder: Buffer, relative: string): Promise<void> {
    let names: Buffer[]
    try {
      const real = await realpath(folder, 'buffer')
      const key = real.toString('latin1')
      if (visited.has(key)) return void tree.skipped.push({ relative, reason: 'visited before' })
      visited.add(key)
      if (except !== null && real.equals(Buffer.from(except)))
        return void tree.skipped.push({ relative, reason: 'the data folder of Limn' })
      names = await readdir(folder, { encoding: 'buffer' })
    } catch (error) {
      return void tree.unreadable.push({ relative, reason: unreadable('folder', error) })
    }
    const entries = names
      .map((bytes) => ({ bytes, name: legible(bytes) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { bytes, name } of entries)
      await look(
        Buffer.concat([folder, separator, bytes]),
        name,
        relative === '' ? name : `${relative}/${name}`,
      )
  }

  async function look(file: Buffer, name: string, relative: string): Promise<void> {
    const reason = reasonToSkip(name)
    if (reason !== null) return void tree.skipped.push({ relative, reason })
    try {
      const found = await stat(file)
      if (found.isDirectory()) await visit(file, relative)
      else if (!found.isFile() || !images.test(name))
        tree.others.push({ relative, reason: 'not an image of a type that is read' })
      else tree.files.push({ path: file, relative, size: found.size, mtimeMs: found.mtimeMs })
    } catch (error) {
      tree.unreadable.push({ relative, reason: unreadable('file', error) })
    }
  }

  await visit(Buffer.from(root), '')
  return tree
}

/** Why a file or folder cannot be read, in words. */
export function unreadable(kind: 'file' | 'folder', error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return `The ${kind} may not be read (${code}).`
  if (code === 'ENOENT') return `The ${kind} is gone, or a link that leads nowhere.`
  if (code === 'ELOOP') return `The ${kind} is a link that leads in a circle.`
  return `The ${kind} cannot be read (${code ?? message}).`
}
