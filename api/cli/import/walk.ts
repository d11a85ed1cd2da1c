import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'

export interface ImageFile {
  /** Absolute. */
  path: string
  /** Path below the imported folder, with forward slashes. */
  relative: string
  size: number
  mtimeMs: number
}

const images = /\.(jpe?g|jpe|png|webp|avif|gif|tiff?|svg)$/i

/**
 * Images of a folder tree, in the order of their names. Hidden files and folders are skipped; links are
 * followed, and each folder is visited once however many links lead to it.
 */
export async function walk(root: string): Promise<{ files: ImageFile[]; others: number }> {
  const files: ImageFile[] = []
  const visited = new Set<string>()
  let others = 0

  async function visit(folder: string): Promise<void> {
    const real = await realpath(folder)
    if (visited.has(real)) return
    visited.add(real)
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
    for (const name of names) {
      const full = path.join(folder, name)
      // A broken link, or a file deleted meanwhile.
      const found = await stat(full).catch(() => null)
      if (!found) continue
      if (found.isDirectory()) await visit(full)
      else if (found.isFile() && images.test(name))
        files.push({
          path: full,
          relative: path.relative(root, full).split(path.sep).join('/'),
          size: found.size,
          mtimeMs: found.mtimeMs,
        })
      else others++
    }
  }
  await visit(root)
  return { files, others }
}
