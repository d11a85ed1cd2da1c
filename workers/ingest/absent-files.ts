import type { AssetRow, Assets } from '../../prisma/types.ts'
import type { Log } from '../log.ts'

export interface AbsentFilesOptions {
  assets: Pick<Assets, 'byIds'>
  log: Log
}

/** Reports images whose files this server lacks: each one once, until its file is there again. */
export class AbsentFiles {
  readonly #options: AbsentFilesOptions
  readonly #reported = new Set<string>()

  constructor(options: AbsentFilesOptions) {
    this.#options = options
  }

  async report(rows: readonly AssetRow[]): Promise<void> {
    const { assets, log } = this.#options
    // An asset that was deleted meanwhile has no file either, and misses none.
    const present = await assets.byIds(rows.map(({ id }) => id))
    for (const { id, name } of present.values()) {
      if (this.#reported.has(id)) continue
      this.#reported.add(id)
      log.warn(
        { asset: id, name },
        'the file of an image is not on this server, which therefore does not index it; add the image again, or share LIMN_HOME/files between the servers of this database',
      )
    }
  }

  forget({ id }: AssetRow): void {
    this.#reported.delete(id)
  }
}
