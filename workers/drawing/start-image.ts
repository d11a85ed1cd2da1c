/** The image or SVG that a drawing starts from. */
import sharp from 'sharp'
import { decodeShown } from '../images/decode-raster.ts'
import { type ImageLimits, imageError, imageHeader } from '../images/open.ts'
import { imageProcess } from '../images/process/image-process.ts'
import { opaque } from '../images/transparency/opaque.ts'
import type { Size } from './canvas.ts'
import type { Rgb } from './generators/notation.ts'

export class StartImage {
  readonly bytes: Uint8Array
  readonly #limits: ImageLimits

  constructor(bytes: Uint8Array, limits: ImageLimits) {
    this.bytes = bytes
    this.#limits = limits
  }

  /** @throws ItemError */
  async size(): Promise<Size> {
    const { width, height } = await imageHeader(this.bytes, this.#limits)
    return { width, height }
  }

  /** Renders an SVG in a process that can be ended. @throws ItemError for one that takes too long or too much memory */
  async renderSvg({ width, height }: Size, fit: 'cover' | 'fill') {
    try {
      return await imageProcess.svg(this.bytes, { ...this.#limits, resize: { width, height, fit } })
    } catch (error) {
      throw imageError(error)
    }
  }

  /** The image cropped to the canvas, as planes of red, green and blue in 0..1. @throws ItemError */
  async planes({ width, height }: Size): Promise<Float32Array> {
    const { format } = await imageHeader(this.bytes, this.#limits)
    const open = async () => {
      const resize = { width, height, fit: 'cover' } as const
      const { data, ...raw } =
        format === 'svg'
          ? await this.renderSvg({ width, height }, 'cover')
          : await decodeShown(this.bytes, { ...this.#limits, resize })
      return sharp(data, { raw })
    }
    const data = await open()
      .then(opaque)
      .then((image) => image.toColourspace('srgb').removeAlpha().raw().toBuffer())
      .catch((error) => {
        throw imageError(error)
      })
    const area = width * height
    return Float32Array.from(
      { length: 3 * area },
      (_, i) => data[(i % area) * 3 + Math.floor(i / area)]! / 255,
    )
  }

  /** The image's colour at a place of the canvas, whose longer edge is 1. @throws ItemError */
  async colours({ width, height }: Size): Promise<(x: number, y: number) => Rgb> {
    const planes = await this.planes({ width, height })
    const edge = Math.max(width, height)
    return (x, y) => {
      const column = Math.min(width - 1, Math.floor(x * edge))
      const row = Math.min(height - 1, Math.floor(y * edge))
      const channel = (c: number) => planes[c * width * height + row * width + column]!
      return [channel(0), channel(1), channel(2)]
    }
  }
}
