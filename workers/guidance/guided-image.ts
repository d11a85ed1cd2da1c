import sharp from 'sharp'
import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { cutoutViews } from '../images/views/cutout-views.ts'
import { plainView } from '../images/views/plain-view.ts'
import type { Views } from '../images/views/views.ts'
import { decodeWhole, type WholeImage } from '../images/whole-image.ts'

/** An image that is being guided: its views, and the gradient that came back through them. */
export class GuidedImage {
  readonly width: number
  readonly height: number
  readonly #image: WholeImage
  readonly #spec: ImageSpec
  #views: Views | null = null
  #gradient: Float32Array | null = null

  private constructor(image: WholeImage, spec: ImageSpec) {
    this.width = image.width
    this.height = image.height
    this.#image = image
    this.#spec = spec
  }

  /** @throws ItemError */
  static async open(bytes: Uint8Array, spec: ImageSpec, limits: ImageLimits): Promise<GuidedImage> {
    return new GuidedImage(await decodeWhole(bytes, spec, limits), spec)
  }

  /** Chooses the views: random cutouts, or the plain image for 0. */
  sampleCutouts(cutouts: number, seed: number): void {
    this.#views =
      cutouts === 0 ? plainView(this.#image, this.#spec) : cutoutViews(this.#image, this.#spec, cutouts, seed)
  }

  /** The encoder's inputs for views `from` to `to`, one after the other. */
  views(from: number, to: number): Float32Array {
    return this.#views!.pixels(from, to)
  }

  /** The encoder's input for the whole image. */
  plain(): Float32Array {
    return plainView(this.#image, this.#spec).pixels(0, 1)
  }

  /** Gradients with respect to the views from `from` on, one after the other. */
  accumulate(from: number, gradients: Float32Array): void {
    this.#views!.accumulate(from, gradients)
  }

  /**
   * The gradient of the views' mean with respect to the image: row-major RGB in 0..1. The colour of
   * a transparent pixel does not matter: its gradient is 0.
   */
  gradient(): Float32Array {
    const gradient = new Float32Array(this.width * this.height * 3)
    this.#views!.addGradient(gradient)
    const { alpha } = this.#image
    const share = 1 / this.#views!.count
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= share * (alpha ? alpha[(i / 3) | 0]! / 255 : 1)
    this.#gradient = gradient
    return gradient
  }

  /** PNG of the image after one step against the gradient, which changes it by `rate` in the root mean square. */
  async step(rate: number): Promise<Uint8Array> {
    const gradient = this.#gradient!
    const { straightRgb, alpha } = this.#image
    const { width, height } = this
    let square = 0
    for (const g of gradient) square += g * g
    const scale = square > 0 ? (255 * rate) / Math.sqrt(square / gradient.length) : 0
    const channels = alpha ? 4 : 3
    const out = new Uint8ClampedArray(width * height * channels)
    for (let p = 0; p < width * height; p++) {
      for (let c = 0; c < 3; c++)
        out[p * channels + c] = Math.round(straightRgb[p * 3 + c]! - scale * gradient[p * 3 + c]!)
      if (alpha) out[p * 4 + 3] = alpha[p]!
    }
    return sharp(Buffer.from(out.buffer), { raw: { width, height, channels } }).png().toBuffer()
  }

  /** PNG of the image in grey with the cells over it, dark where 0 and bright where 1. */
  async overlay(values: readonly number[], columns: number, rows: number): Promise<Uint8Array> {
    const scale = Math.min(1, overlayEdge / Math.max(this.width, this.height))
    const [width, height] = [this.width, this.height].map((n) => Math.max(1, Math.round(n * scale))) as [
      number,
      number,
    ]
    const size = { width, height, fit: 'fill' } as const
    const raw = (data: Uint8Array, width: number, height: number, channels: 1 | 3) =>
      sharp(Buffer.from(data.buffer, data.byteOffset, data.length), { raw: { width, height, channels } })
    const grey = await raw(this.#image.data, this.width, this.height, 3)
      .resize(size)
      .greyscale()
      .raw()
      .toBuffer()
    const cells = Uint8Array.from(values, (value) => Math.round(value * 255))
    const heat = await raw(cells, columns, rows, 1)
      .resize({ ...size, kernel: 'linear' })
      .extractChannel(0)
      .raw()
      .toBuffer()
    const out = new Uint8Array(width * height * 3)
    for (let p = 0; p < width * height; p++) {
      const value = heat[p]! / 255
      const [red, green, blue] = glow(value)
      const cover = 0.35 + 0.4 * value
      const dim = (1 - cover) * grey[p]!
      out.set([dim + cover * red, dim + cover * green, dim + cover * blue], p * 3)
    }
    return raw(out, width, height, 3).png().toBuffer()
  }
}

/** Longest edge of a heatmap's image. */
const overlayEdge = 1024

/** From night blue over magenta to yellow; brightness rises all the way (after matplotlib's plasma). */
function glow(value: number): [number, number, number] {
  const stops = [
    [13, 8, 135],
    [126, 3, 168],
    [204, 71, 120],
    [248, 149, 64],
    [240, 249, 33],
  ] as const
  const at = Math.min(stops.length - 2, Math.floor(value * (stops.length - 1)))
  const part = value * (stops.length - 1) - at
  return [0, 1, 2].map((c) => stops[at]![c]! * (1 - part) + stops[at + 1]![c]! * part) as [
    number,
    number,
    number,
  ]
}
