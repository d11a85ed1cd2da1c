import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ImageFile, unreadable } from './walk.ts'

/** Between two tries at a file that something else is writing. */
const pauseMs = 250

/** The bytes of a file, or why there are none: it may not be read, is too large, or changes while it is read. */
export async function readImageFile(
  { path }: ImageFile,
  maxBytes: number,
): Promise<{ bytes: Buffer<ArrayBuffer> } | { failed: string }> {
  try {
    await using file = await open(path, 'r')
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await sleep(pauseMs)
      const { size } = await file.stat()
      if (size > maxBytes) return { failed: `It has ${size} bytes; at most ${maxBytes} are taken.` }
      const bytes = await readStill(file, size)
      if (bytes) return { bytes }
    }
    return { failed: 'The file changes while it is read. Import it again when it is finished.' }
  } catch (error) {
    return { failed: unreadable('file', error) }
  }
}

/** All bytes of a file that stays as it is meanwhile; null where it does not. */
async function readStill(file: FileHandle, size: number): Promise<Buffer<ArrayBuffer> | null> {
  const before = await file.stat()
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at)
    if (bytesRead === 0) return null
    at += bytesRead
  }
  const after = await file.stat()
  return after.size === size && after.mtimeMs === before.mtimeMs ? bytes : null
}
