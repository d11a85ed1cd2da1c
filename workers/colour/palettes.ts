/** Palettes of image files, made in a thread of their own: no request waits for them. */
import type { ImageLimits } from '../images/open.ts'
import { TaskSession } from '../runtime/session/tasks.ts'
import type { Palette } from './palette.ts'

/** What the thread does. */
export interface PaletteTasks {
  /** @throws ItemError for an image that cannot be decoded */
  palette(bytes: Uint8Array): Promise<Palette>
}

type Thread = TaskSession<PaletteTasks>

export class Palettes {
  readonly #limits: ImageLimits
  /** Started when first needed, and again when it has died. */
  #thread: Promise<Thread> | null = null

  constructor(limits: ImageLimits) {
    this.#limits = limits
  }

  /** @throws ItemError for an image that cannot be decoded */
  async of(bytes: Uint8Array): Promise<Palette> {
    return (await this.#alive()).run('palette', bytes)
  }

  async close(): Promise<void> {
    const thread = this.#thread
    this.#thread = null
    await (await thread?.catch(() => null))?.close()
  }

  async #alive(): Promise<Thread> {
    const known = this.#thread
    const alive = await known?.catch(() => null)
    if (alive?.alive) return alive
    // Of several that find it dead the first starts it.
    if (this.#thread === known)
      this.#thread = TaskSession.start<PaletteTasks>(
        new URL('./palette-thread.ts', import.meta.url),
        this.#limits,
      )
    return this.#thread!
  }
}
