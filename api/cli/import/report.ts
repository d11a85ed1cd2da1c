import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { UsageError } from '../shared/usage.ts'
import type { Outcome } from './upload.ts'
import type { FolderTree, ImageFile } from './walk.ts'

/** A line of the report. */
interface ReportLine {
  /** Absolute. */
  path: string
  /**
   * `added`; `known`, was there already; `labelled`, was there and took labels; `failed`; `unsent`, when the import ended
   * early; `skipped`, was left out on purpose.
   */
  outcome: 'added' | 'known' | 'labelled' | 'failed' | 'unsent' | 'skipped'
  reason: string | null
  id: string | null
}

/** One JSON line for each file, written when the import ends, early too. */
export class Report {
  readonly #file: FileHandle
  readonly #folder: string

  private constructor(file: FileHandle, folder: string) {
    this.#file = file
    this.#folder = folder
  }

  /** @throws UsageError when it cannot be written */
  static async open(name: string, folder: string): Promise<Report> {
    try {
      return new Report(await open(name, 'w'), folder)
    } catch (error) {
      throw new UsageError(`The report cannot be written: ${(error as Error).message}`)
    }
  }

  /** `unindexed` are the ids of images that are in the library and could not be encoded. */
  async write(tree: FolderTree, outcomes: readonly Outcome[], unindexed: ReadonlySet<string>): Promise<void> {
    const settled = new Map<ImageFile, Outcome>(outcomes.map((outcome) => [outcome.file, outcome]))
    const lines = [
      ...tree.files.map((file) => this.#lineOf(file, settled.get(file), unindexed)),
      ...tree.unreadable.map((entry) => this.#passedOver(entry.relative, 'failed', entry.reason)),
      ...[...tree.others, ...tree.skipped].map((entry) =>
        this.#passedOver(entry.relative, 'skipped', entry.reason),
      ),
    ]
    await this.#file.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #lineOf({ relative }: ImageFile, outcome: Outcome | undefined, unindexed: ReadonlySet<string>): ReportLine {
    if (!outcome) return this.#passedOver(relative, 'unsent', 'The import ended before it was sent.')
    if ('failed' in outcome) return this.#passedOver(relative, 'failed', outcome.failed)
    const { id, duplicate, changed } = outcome
    const where = path.join(this.#folder, relative)
    if (unindexed.has(id))
      return { path: where, outcome: 'failed', reason: 'It is in the library, but could not be encoded.', id }
    return { path: where, outcome: duplicate ? (changed ? 'labelled' : 'known') : 'added', reason: null, id }
  }

  #passedOver(relative: string, outcome: ReportLine['outcome'], reason: string): ReportLine {
    return { path: path.join(this.#folder, relative), outcome, reason, id: null }
  }
}
