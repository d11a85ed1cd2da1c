/** Writing so that a crash of the process, or of the machine, leaves a whole file or none. */
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { onDiskOf } from './storage-full.ts'

let drafts = 0

/**
 * `write` writes a draft, which then takes the place of `file`: readers see the file before or the file after. A draft
 * that cannot be finished is removed. `draftFolder` is on the disk of `file`; both folders are made where they are
 * missing, also when somebody removed them.
 * @throws StorageFull
 */
export async function withDraft<T>(
  file: string,
  write: (draft: string) => Promise<T>,
  draftFolder: string = path.dirname(file),
): Promise<T> {
  const draft = path.join(draftFolder, `${path.basename(file)}.${process.pid}-${drafts++}.draft`)
  try {
    return await onDiskOf(path.dirname(file), async () => {
      await mkdir(draftFolder, { recursive: true })
      const result = await write(draft)
      await mkdir(path.dirname(file), { recursive: true })
      await rename(draft, file)
      return result
    })
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Replaces a file whole. Not flushed: for what can be made again. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await withDraft(file, (draft) => writeFile(draft, content))
}

/** On disk, whole, when it resolves: draft, fsync, rename, fsync of the folder. */
export async function writeDurably(file: string, bytes: Uint8Array, draftFolder?: string): Promise<void> {
  await withDraft(
    file,
    async (draft) => {
      const handle = await open(draft, 'w')
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    draftFolder,
  )
  await syncFolder(path.dirname(file))
}

interface Flush {
  running: Promise<void>
  /** Begins when the running one has ended; all who come meanwhile share it. */
  next?: Promise<void>
}
const flushes = new Map<string, Flush>()

/**
 * Makes renames, creations and removals in a folder durable. Callers at the same time share a flush, though never one
 * that had begun before they came: it may have missed their change.
 */
export function syncFolder(folder: string): Promise<void> {
  const flush = flushes.get(folder)
  if (!flush) return begin(folder)
  flush.next ??= flush.running.catch(() => {}).then(() => begin(folder))
  return flush.next
}

function begin(folder: string): Promise<void> {
  const flush: Flush = { running: fsync(folder) }
  flushes.set(folder, flush)
  const end = () => {
    if (!flush.next) flushes.delete(folder)
  }
  flush.running.then(end, end)
  return flush.running
}

/** Windows cannot open folders, and does not need to. */
async function fsync(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
