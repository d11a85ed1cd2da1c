import { mkdir, open, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { onDiskOf } from '../fs/storage-full.ts'
import { syncFolder } from '../fs/write.ts'

/**
 * Marks of the images whose file and row are being made or removed. A mark is there before the first of the two
 * changes and goes after the last; so the next start finds what a dead process left half done without looking at every
 * file. A mark means: the row decides.
 */
export class IntentLog {
  readonly #folder: string
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Runs `change` under the image's mark. Changes of one image take turns. */
  withIntent<T>(hash: string, change: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(hash) ?? Promise.resolve()
    const turn = before.then(async () => {
      const mark = path.join(this.#folder, hash)
      await onDiskOf(this.#folder, async () => {
        await mkdir(this.#folder, { recursive: true })
        await (await open(mark, 'w')).close()
      })
      await syncFolder(this.#folder)
      const result = await change()
      // Not reached when the change fails halfway: the mark stays for the next start. That it is gone need not be
      // durable: a mark too many is harmless.
      await rm(mark, { force: true })
      return result
    })
    const settled = turn.catch(() => {})
    this.#turns.set(hash, settled)
    void settled.then(() => {
      if (this.#turns.get(hash) === settled) this.#turns.delete(hash)
    })
    return turn
  }

  /** Hashes that a process before this one left marked. */
  async open(): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true })
    return (await readdir(this.#folder)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  }

  async clear(hash: string): Promise<void> {
    await rm(path.join(this.#folder, hash), { force: true })
  }
}
