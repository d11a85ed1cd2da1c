import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { writeWhole } from '../fs/write.ts'

/**
 * Why models did not load when they were last tried: a note for each revision, for later starts and other commands on
 * the same data folder. A folder that changes is of another revision and begins anew. A disk that cannot be written to
 * keeps no notes, which is no error.
 */
export class LoadFailures {
  readonly #folder: string
  constructor(cacheFolder: string) {
    this.#folder = path.join(cacheFolder, 'failures')
  }

  /** Null when the revision loaded, or was never tried. */
  of(revision: string): Promise<string | null> {
    return readFile(this.#file(revision), 'utf8').catch(() => null)
  }

  async note(revision: string, reason: string): Promise<void> {
    await writeWhole(this.#file(revision), reason).catch(() => {})
  }

  async clear(revision: string): Promise<void> {
    await rm(this.#file(revision), { force: true }).catch(() => {})
  }

  #file(revision: string): string {
    return path.join(this.#folder, `${revision}.txt`)
  }
}
