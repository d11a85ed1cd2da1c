import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FolderLabels } from './upload.ts'
import type { ImageFile } from './walk.ts'

/**
 * The asset of each file that earlier imports of a folder sent: a second import asks for ids instead of sending the
 * images again. One JSON line per image, so that a killed import loses nothing. A lost or damaged file costs time only:
 * the server knows its images by their bytes.
 */
export class Remembered {
  readonly #ids: Map<string, string>
  readonly #file: FileHandle

  private constructor(ids: Map<string, string>, file: FileHandle) {
    this.#ids = ids
    this.#file = file
  }

  /** `server` tells one library from another. An import with other labels sends the images again, to have them. */
  static async open(
    home: string,
    server: string,
    folder: string,
    { collection, tags }: FolderLabels,
  ): Promise<Remembered> {
    const labels = JSON.stringify(['collections', collection, tags])
    const digest = createHash('sha256').update(`${server}\n${folder}${labels}`).digest('hex').slice(0, 16)
    const name = path.join(home, 'cache', `import-${digest}.jsonl`)
    await mkdir(path.dirname(name), { recursive: true })
    const ids = new Map<string, string>()
    for (const line of (await readFile(name, 'utf8').catch(() => '')).split('\n')) {
      try {
        const [key, id] = JSON.parse(line) as [string, string]
        ids.set(key, id)
      } catch {
        // The last line of a process that died.
      }
    }
    const file = await open(name, 'a')
    // The next line must not join half a line.
    await file.appendFile('\n')
    return new Remembered(ids, file)
  }

  id(file: ImageFile): string | undefined {
    return this.#ids.get(keyOf(file))
  }

  async add(files: readonly { file: ImageFile; id: string }[]): Promise<void> {
    if (files.length === 0) return
    await this.#file.appendFile(
      files.map(({ file, id }) => `${JSON.stringify([keyOf(file), id])}\n`).join(''),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** A file that was changed has another size or another time. */
const keyOf = ({ path: bytes, relative, size, mtimeMs }: ImageFile) => {
  // Two names that are read alike need not be the same bytes.
  const other = bytes.includes(relative) ? '' : ` ${bytes.toString('hex')}`
  return `${size} ${mtimeMs} ${relative}${other}`
}
