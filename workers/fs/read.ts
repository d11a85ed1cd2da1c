/** Reading files that may be absent. */
import { open, readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  start: number
  end: number
}

/** A file that is open for reading. Whoever does not read the stream to its end destroys it. */
export interface OpenFile {
  /** Bytes of the whole file, also where the stream is a part of it. */
  size: number
  stream: Readable
}

/** Null where there is no such file. */
export async function openFile(file: string, range?: ByteRange): Promise<OpenFile | null> {
  const handle = await unlessAbsent(open(file))
  if (!handle) return null
  try {
    const { size } = await handle.stat()
    // The stream closes the handle when it ends or is destroyed.
    return { size, stream: handle.createReadStream(range) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Null where there is no such file. */
export const readWhole = (file: string): Promise<Uint8Array | null> => unlessAbsent(readFile(file))

/** Null where there is no such file. */
export const fileSize = async (file: string): Promise<number | null> =>
  (await unlessAbsent(stat(file)))?.size ?? null

/** The object of a JSON file; an empty one where there is no such file, or anything else in it. */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
