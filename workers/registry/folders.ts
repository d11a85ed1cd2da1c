/** Which folders under a root are models. */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'

/**
 * Names of the model folders under a root: `NAME`, or `OWNER/NAME` where OWNER holds nothing but folders, or folders
 * with a config. Those without a config are among them, to be told of. Hidden ones (a pull under way) are passed over.
 */
export async function modelFolders(root: string): Promise<string[]> {
  const names = await Promise.all(
    (await contents(root)).folders.map(async (name) => {
      const folder = path.join(root, name)
      const own = await contents(folder)
      if (own.isModel) return [name]
      const inside = await Promise.all(own.folders.map((one) => contents(path.join(folder, one))))
      const onlyFolders = own.files.length === 0 && own.folders.length > 0 && !own.folders.includes('onnx')
      const isOwner = onlyFolders || inside.some(({ isModel }) => isModel)
      return isOwner ? own.folders.map((one) => `${name}/${one}`) : [name]
    }),
  )
  return names.flat()
}

/** What is not hidden in a folder; nothing where it cannot be read. */
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
