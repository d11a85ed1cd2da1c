/**
 * A process renders SVGs: rendering cannot be stopped once it has begun, and four kilobytes of dashes take half a minute
 * and eleven gigabytes. A process can be ended.
 */
import type { Metadata } from 'sharp'
import { utf8Xml } from '../xml-encoding.ts'
import { RendererChild, type RendererLimits, refusal } from './renderer-child.ts'
import type { RenderedSvg, RenderOptions, RenderRequest } from './renderer-protocol.ts'

/** How long a process without work stays. */
const idleMs = 60_000

/** One process, started when first needed, and one SVG at a time. */
export class SvgRenderer {
  readonly #limits: RendererLimits
  #child: RendererChild | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(limits: RendererLimits) {
    this.#limits = limits
  }

  /** sharp's metadata. @throws ItemError past a limit, RendererUnavailable, Error with sharp's words */
  header(bytes: Uint8Array): Promise<Metadata> {
    return this.#enqueue({ bytes: utf8Xml(bytes) })
  }

  /** @throws ItemError past a limit, RendererUnavailable, Error with sharp's words */
  render(bytes: Uint8Array, options: RenderOptions): Promise<RenderedSvg> {
    return this.#enqueue({ bytes: utf8Xml(bytes), options })
  }

  #enqueue<Result extends Metadata | RenderedSvg>(request: RenderRequest): Promise<Result> {
    const result = this.#last.then(() => {
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

/** This thread's renderer. */
export const svgRenderer = new SvgRenderer({ milliseconds: 10_000, megabytes: 1500 })
