/** Images that are decoded, cut and stepped in a thread of their own, so that no request waits for another's pixels. */

import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { TaskSession } from '../runtime/session/tasks.ts'
import type { ImageTasks } from './image-tasks.ts'

type ImageSession = TaskSession<ImageTasks>

export class ImageClient {
  /** Started when first needed, and again when it has died. */
  #thread: Promise<ImageSession> | null = null
  #nextId = 0

  /** Close the image when done. @throws ItemError for an image that cannot be used */
  async open(bytes: Uint8Array, spec: ImageSpec, limits: ImageLimits): Promise<RemoteImage> {
    const session = await this.#session()
    const id = this.#nextId++
    const { width, height } = await session.run('open', id, bytes, spec, limits)
    return new RemoteImage(session, id, width, height)
  }

  async close(): Promise<void> {
    await (await this.#thread?.catch(() => null))?.close()
  }

  async #session(): Promise<ImageSession> {
    this.#thread ??= TaskSession.start<ImageTasks>(new URL('./image-thread.ts', import.meta.url), null)
    const thread = this.#thread
    const forget = () => {
      if (this.#thread === thread) this.#thread = null
    }
    const session = await thread.catch((error) => {
      forget()
      throw error
    })
    if (session.alive) return session
    forget()
    return this.#session()
  }
}

/** An image of that thread; see GuidedImage for what each method does. */
export class RemoteImage {
  readonly width: number
  readonly height: number
  readonly #session: ImageSession
  readonly #id: number

  constructor(session: ImageSession, id: number, width: number, height: number) {
    this.#session = session
    this.#id = id
    this.width = width
    this.height = height
  }

  sampleCutouts(cutouts: number, seed: number): Promise<void> {
    return this.#session.run('sampleCutouts', this.#id, cutouts, seed)
  }

  views(from: number, to: number): Promise<Float32Array> {
    return this.#session.run('views', this.#id, from, to)
  }

  plain(): Promise<Float32Array> {
    return this.#session.run('plain', this.#id)
  }

  accumulate(from: number, gradients: Float32Array): Promise<void> {
    return this.#session.run('accumulate', this.#id, from, gradients)
  }

  gradient(): Promise<Float32Array> {
    return this.#session.run('gradient', this.#id)
  }

  step(rate: number): Promise<Uint8Array> {
    return this.#session.run('step', this.#id, rate)
  }

  overlay(values: readonly number[], columns: number, rows: number): Promise<Uint8Array> {
    return this.#session.run('overlay', this.#id, values, columns, rows)
  }

  /** Nobody waits for it: a thread that died has closed the image too. */
  close(): void {
    if (this.#session.alive) this.#session.run('close', this.#id).catch(() => {})
  }
}
