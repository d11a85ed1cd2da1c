import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { TaskSession } from '../runtime/session/tasks.ts'
import type { Frame, Painter } from './painter.ts'
import type { DrawingRequest } from './request.ts'

export interface PainterOptions {
  request: DrawingRequest
  spec: ImageSpec
  limits: ImageLimits
  /** The checkpoint to go on from. */
  state: Uint8Array | null
}

/** A {@link Painter} in a thread of its own; see there for each method. */
export class PainterClient {
  /** The step it goes on from. */
  readonly step: number
  readonly #session: TaskSession<Painter, { step: number }>

  private constructor(session: TaskSession<Painter, { step: number }>) {
    this.#session = session
    this.step = session.ready.step
  }

  /** @throws ItemError for a start that cannot be used, BadUserInput for an unknown generator or a wrong palette */
  static async open(options: PainterOptions): Promise<PainterClient> {
    const thread = new URL('./painter-thread.ts', import.meta.url)
    return new PainterClient(await TaskSession.start(thread, options))
  }

  views(): Promise<Float32Array> {
    return this.#session.run('views')
  }

  update(viewGradients: Float32Array): Promise<void> {
    return this.#session.run('update', viewGradients)
  }

  frame(): Promise<Frame> {
    return this.#session.run('frame')
  }

  candidates(): Promise<Float32Array | null> {
    return this.#session.run('candidates')
  }

  select(losses: readonly number[]): Promise<void> {
    return this.#session.run('select', losses)
  }

  save(): Promise<Uint8Array> {
    return this.#session.run('save')
  }

  /** Waits for what it is doing. */
  close(): Promise<void> {
    return this.#session.close()
  }
}
