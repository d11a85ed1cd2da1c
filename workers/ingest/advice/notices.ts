import type { Census } from '../../../prisma/types.ts'
import { type Log, silent } from '../../log.ts'
import type { ModelCard } from '../../registry/card.ts'
import { pullCommand, recommendedModels } from '../../registry/purpose.ts'

export const noticeCodes = ['MODEL_KNOWS_NO_PHOTOGRAPHS'] as const

/** Something that whoever runs the server should know: nothing fails, but it could be better. */
export interface Notice {
  code: (typeof noticeCodes)[number]
  message: string
  /** What mends it. */
  command: string
}

export interface LibraryNoticesOptions {
  census: Census
  log?: Log
}

/** From so many on they are worth a word, or from such a part of the library. */
const many = 10
const largePart = 0.2

/** Counting reads every row of the library. */
const freshMs = 300_000

/** What is to be said of a library and the model that reads it. */
export class LibraryNotices {
  readonly #options: LibraryNoticesOptions
  #counted: { ended: number; count: ReturnType<Census['photographs']> } | null = null

  constructor(options: LibraryNoticesOptions) {
    this.#options = options
  }

  /**
   * None where the library cannot be counted.
   * @param fresh counts now; else the count may be some minutes old
   */
  async of(model: ModelCard, fresh = false): Promise<Notice[]> {
    if (model.domain !== 'ICONS_AND_ILLUSTRATIONS') return []
    try {
      const { photographs, total } = await this.#count(fresh)
      if (photographs < many && photographs < largePart * total) return []
      return photographs === 0 ? [] : [await photographNotice(model, photographs, total)]
    } catch (err) {
      const { log = silent } = this.#options
      log.warn({ err }, 'the library could not be counted')
      return []
    }
  }

  #count(fresh: boolean): ReturnType<Census['photographs']> {
    // A count that is under way serves all who ask meanwhile.
    const oldest = fresh ? Number.POSITIVE_INFINITY : performance.now() - freshMs
    if (!this.#counted || this.#counted.ended < oldest) {
      const counted = { ended: Number.POSITIVE_INFINITY, count: this.#options.census.photographs() }
      this.#counted = counted
      counted.count.then(
        () => {
          counted.ended = performance.now()
        },
        () => {
          this.#counted = null
        },
      )
    }
    return this.#counted.count
  }
}

export async function photographNotice(
  model: Pick<ModelCard, 'name'>,
  photographs: number,
  total: number,
): Promise<Notice> {
  const [best] = (await recommendedModels()).filter(({ domain }) => domain !== 'ICONS_AND_ILLUSTRATIONS')
  const command = pullCommand(best!)
  return {
    code: 'MODEL_KNOWS_NO_PHOTOGRAPHS',
    message: `${photographs} of ${total} images look like photographs, which the model ${model.name} does not know: they are found by their words alone. "${command}" brings a model that knows them (${best!.megabytes} MB, ${best!.licence}); then start the server with LIMN_MODEL=${best!.name}.`,
    command,
  }
}
