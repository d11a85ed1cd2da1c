import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

/**
 * Why models did not load when they were last tried: a note for each revision, so that a later start and other commands
 * on the same data folder know. A folder that changes is of another revision and begins anew. Where nothing can be
 * written, nothing is known.
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
    await mkdir(this.#folder, { recursive: true }).catch(() => {})
    await writeFile(this.#file(revision), reason).catch(() => {})
  }

  async clear(revision: string): Promise<void> {
    await rm(this.#file(revision), { force: true }).catch(() => {})
  }

  #file(revision: string): string {
    return path.join(this.#folder, `${revision}.txt`)
  }
}
