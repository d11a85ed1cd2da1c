/**
 * A process for images that may take long: drawing an SVG, and decoding a TIFF or an AVIF, cannot be stopped once begun.
 * Four kilobytes of dashes take half a minute and eleven gigabytes, 35 kilobytes of tiles ten seconds and two. A process
 * can be ended.
 */
import type { Metadata } from 'sharp'
import { Overloaded } from '../../errors.ts'
import { fromWire } from '../../runtime/wire-errors.ts'
import type { RasterOptions } from '../raster-pipeline.ts'
import { ImageChild, type ProcessLimits, refusal } from './child.ts'
import type { DecodedPixels, ImageRequest, SvgOptions } from './protocol.ts'

/** How long a process without work stays. */
const idleMs = 60_000

export interface ImageProcessOptions {
  megabytes: number
  /** Requests that may wait for their turn; no limit when absent. */
  waiting?: number
}

/** Of one request, from its beginning. */
type Time = Pick<ProcessLimits, 'milliseconds'>

/** One process, started when first needed, and one image at a time. */
export class ImageProcess {
  readonly #options: ImageProcessOptions
  #waiting = 0
  #child: ImageChild | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(options: ImageProcessOptions) {
    this.#options = options
  }

  /** sharp's metadata, with the size in CSS pixels, of an SVG that may be drawn. @throws like {@link svg} */
  svgHeader(bytes: Uint8Array, { milliseconds }: Time): Promise<Metadata> {
    return this.#enqueue({ bytes, task: 'svg header' }, milliseconds)
  }

  /** RGB or RGBA, in sRGB. @throws ItemError past a limit, Overloaded, ProcessUnavailable, Error with sharp's words */
  svg(bytes: Uint8Array, { milliseconds, ...options }: SvgOptions & Time): Promise<DecodedPixels> {
    return this.#enqueue({ bytes, task: 'svg', options }, milliseconds)
  }

  /** @throws like {@link svg} */
  raster(bytes: Uint8Array, options: RasterOptions): Promise<DecodedPixels> {
    return this.#enqueue({ bytes, task: 'raster', options }, options.milliseconds)
  }

  async #enqueue<Result extends Metadata | DecodedPixels>(
    request: ImageRequest,
    milliseconds: number,
  ): Promise<Result> {
    const { waiting: limit = Infinity } = this.#options
    if (this.#waiting >= limit) {
      const queue = 'The queue of images to draw and decode'
      throw Overloaded.queue(milliseconds, { waiting: this.#waiting, limit, queue })
    }
    this.#waiting++
    const result = this.#last.then(() => {
      this.#waiting--
      clearTimeout(this.#idle)
      return this.#run<Result>(request, milliseconds)
    })
    this.#last = result
      .catch(() => {})
      .then(() => {
        this.#idle = setTimeout(() => this.#endChild(), idleMs).unref()
      })
    return result
  }

  /** A process that ends by itself may have had other reasons than this image, so each image has two tries. */
  async #run<Result>(request: ImageRequest, milliseconds: number, tries = 2): Promise<Result> {
    if (!this.#child?.alive) this.#child = await ImageChild.start()
    const { megabytes } = this.#options
    const reply = await this.#child.run(request, { milliseconds, megabytes })
    if (!reply) {
      if (tries > 1) return this.#run(request, milliseconds, tries - 1)
      throw refusal(request, (verb) => `ends the processes that ${verb} it`)
    }
    if ('error' in reply) throw fromWire(reply.error)
    return reply.result as Result
  }

  #endChild(): void {
    this.#child?.end()
    this.#child = null
  }
}

export const maxMegabytes = 1500

/** This thread's process. */
export const imageProcess = new ImageProcess({ megabytes: maxMegabytes })
