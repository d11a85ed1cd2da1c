/** Writing so that a crash of the process or of the machine leaves the whole file or none. */
import { open, rename } from 'node:fs/promises'
import path from 'node:path'

let drafts = 0

/** On disk, whole, when it resolves: draft, fsync, rename, fsync of the folder. `draftFolder` is on the same disk. */
export async function writeDurably(
  file: string,
  bytes: Uint8Array,
  draftFolder: string = path.dirname(file),
): Promise<void> {
  const draft = path.join(draftFolder, `${path.basename(file)}.${process.pid}-${drafts++}.draft`)
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
