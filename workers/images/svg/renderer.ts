/**
 * A process renders SVGs: rendering cannot be stopped once it has begun, and four kilobytes of dashes take half a minute
 * and eleven gigabytes. A process can be ended.
 */
import type { Metadata } from 'sharp'
import { Overloaded } from '../../errors.ts'
import { RendererChild, type RendererLimits, refusal } from './renderer-child.ts'
import type { RenderedSvg, RenderOptions, RenderRequest } from './renderer-protocol.ts'

/** How long a process without work stays. */
const idleMs = 60_000

export interface SvgRendererOptions extends RendererLimits {
  /** Requests that may wait for their turn; no limit when absent. */
  waiting?: number
}

/** One process, started when first needed, and one SVG at a time. */
export class SvgRenderer {
  readonly #limits: SvgRendererOptions
  #waiting = 0
  #child: RendererChild | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(limits: SvgRendererOptions) {
    this.#limits = limits
  }

  /** sharp's metadata, with the size in CSS pixels. @throws like {@link render} */
  header(bytes: Uint8Array): Promise<Metadata> {
    return this.#enqueue({ bytes })
  }

  /** @throws ItemError past a limit, Overloaded, RendererUnavailable, Error with sharp's words */
  render(bytes: Uint8Array, options: RenderOptions): Promise<RenderedSvg> {
    return this.#enqueue({ bytes, options })
  }

  async #enqueue<Result extends Metadata | RenderedSvg>(request: RenderRequest): Promise<Result> {
    const { waiting: limit = Infinity, milliseconds } = this.#limits
    if (this.#waiting >= limit)
      throw Overloaded.queue(milliseconds, { waiting: this.#waiting, limit, queue: 'The queue of drawings' })
    this.#waiting++
    const result = this.#last.then(() => {
      this.#waiting--
      clearTimeout(this.#idle)
      return this.#run<Result>(request)
    })
    this.#last = result
      .catch(() => {})
      .then(() => {
        this.#idle = setTimeout(() => this.#endChild(), idleMs).unref()
      })
    return result
  }

  /** A process that ends by itself may have had other reasons than this SVG, so each SVG has two tries. */
  async #run<Result>(request: RenderRequest, tries = 2): Promise<Result> {
    if (!this.#child?.alive) this.#child = await RendererChild.start()
    const reply = await this.#child.run(request, this.#limits)
    if (!reply) {
      if (tries > 1) return this.#run(request, tries - 1)
      throw refusal('cannot be drawn: the renderer ended on it')
    }
    if ('error' in reply) throw new Error(reply.error)
    return reply.result as Result
  }

  #endChild(): void {
    this.#child?.end()
    this.#child = null
  }
}

export const svgLimits: RendererLimits = { milliseconds: 10_000, megabytes: 1500 }

/** This thread's renderer. */
export const svgRenderer = new SvgRenderer(svgLimits)
