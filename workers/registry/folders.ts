/** Which folders under a root are models. */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'

/**
 * Names of the model folders under a root: `NAME`, or `OWNER/NAME` where OWNER holds nothing but folders, or folders
 * with a config. Folders without a config are among them: the registry reports them. Hidden ones (a pull under way) are
 * not.
 */
export async function modelFolders(root: string): Promise<string[]> {
  const names = await Promise.all(
    (await contents(root)).folders.map(async (name) => {
      const folder = path.join(root, name)
      const inner = await contents(folder)
      if (inner.isModel) return [name]
      const inside = await Promise.all(inner.folders.map((one) => contents(path.join(folder, one))))
      const onlyFolders =
        inner.files.length === 0 && inner.folders.length > 0 && !inner.folders.includes('onnx')
      const isOwner = onlyFolders || inside.some(({ isModel }) => isModel)
      return isOwner ? inner.folders.map((one) => `${name}/${one}`) : [name]
    }),
  )
  return names.flat()
}

/** The entries of a folder that are not hidden; none where it cannot be read. */
async function contents(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders: string[] = []
  const files: string[] = []
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    // A link that leads nowhere stands for the model it was made for.
    const isFolder = entry.isSymbolicLink()
      ? await stat(path.join(folder, entry.name)).then(
          (found) => found.isDirectory(),
          () => true,
        )
      : entry.isDirectory()
    const list = isFolder ? folders : files
    list.push(entry.name)
  }
  const isModel = files.some((file) => file === 'config.json' || file === 'open_clip_config.json')
  return { folders, files, isModel }
}
