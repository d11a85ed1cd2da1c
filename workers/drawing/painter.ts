/** A drawing in the making: a generator whose numbers an optimiser moves against the gradients of its image. */

import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { cutoutViews } from '../images/views/cutout-views.ts'
import { plainView } from '../images/views/plain-view.ts'
import type { CutoutChoice } from '../images/views/random-cutout.ts'
import type { Views } from '../images/views/views.ts'
import { uniform } from '../random.ts'
import { concat } from '../similarity/vectors.ts'
import { Adam } from './adam.ts'
import { canvasFor } from './canvas.ts'
import { restoreCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { GeneratorSession } from './generator-session.ts'
import { parsePalette } from './generators/colours.ts'
import type { Generator, Refinement } from './generators/generator.ts'
import { generatorNamed } from './generators/index.ts'
import { type Preview, planesRaster, previewRaster, rasterPreview, svgPreview } from './render.ts'
import type { DrawingRequest } from './request.ts'
import { StartImage } from './start-image.ts'

/** The drawing at a step. */
export interface Frame {
  preview: Preview
  svg: string | null
}

/**
 * Half of the cutouts in grey: shapes must resemble the prompt as well as colours. They are turned, and reach beyond the
 * border, which goes on outside: a thing in the middle on a plain ground is in all of them.
 */
const cutoutChoice: CutoutChoice = { grey: 0.5, size: [0.85, 1.35], turn: 0.15 }

export class Painter {
  readonly #request: DrawingRequest
  readonly #spec: ImageSpec
  readonly #generator: Generator
  readonly #session: GeneratorSession
  readonly #adam: Adam
  /** The last image and its views, which `update` gets gradients for. */
  #image: Float32Array = new Float32Array()
  #views: Views[] = []
  #refinement: Refinement | null = null
  #step = 0

  private constructor(
    request: DrawingRequest,
    spec: ImageSpec,
    generator: Generator,
    session: GeneratorSession,
  ) {
    this.#request = request
    this.#spec = spec
    this.#generator = generator
    this.#session = session
    this.#adam = new Adam(generator.parameters)
  }

  /** @throws ItemError for a start that cannot be used, BadUserInput for an unknown generator or a wrong palette */
  static async open(request: DrawingRequest, spec: ImageSpec, limits: ImageLimits): Promise<Painter> {
    const { width, height, elements, start } = request
    const generator = await generatorNamed(request.generator).make({
      size: { width, height },
      canvas: (size, layers) => canvasFor(size, layers, spec),
      elements,
      palette: parsePalette(request.palette),
      random: uniform(request.seed),
      start: start && new StartImage(start, limits),
    })
    return new Painter(request, spec, generator, await GeneratorSession.open(generator))
  }

  /** Steps made. */
  get step(): number {
    return this.#step
  }

  get #progress(): number {
    return Math.min(1, this.#step / this.#request.steps)
  }

  /** The encoder's inputs for the image as it is now, one after the other: the whole image, then cutouts. */
  async views(): Promise<Float32Array> {
    const { generator, seed } = this.#request
    this.#image = await this.#session.image(this.#generator.controls(this.#progress))
    const raster = planesRaster(this.#image, this.#generator)
    const { cutouts } = generatorNamed(generator)
    this.#views = [
      plainView(raster, this.#spec),
      cutoutViews(raster, this.#spec, cutouts, seed * 7919 + this.#step, cutoutChoice),
    ]
    return concat(this.#views.map((views) => views.pixels(0, views.count)))
  }

  /** One step against the gradients with respect to the views; the rate falls by a cosine. */
  async update(viewGradients: Float32Array): Promise<void> {
    const gradient = this.#imageGradient(viewGradients)
    this.#generator.prior?.(this.#image, gradient)
    const gradients = await this.#session.gradients(this.#generator.controls(this.#progress), gradient)
    for (const [k, parameter] of this.#generator.parameters.entries())
      this.#generator.regularise?.(parameter, gradients[k]!)
    const rate = 0.5 * (1 + Math.cos(Math.PI * this.#progress))
    this.#step++
    this.#adam.update(gradients, this.#step, rate)
  }

  async frame(): Promise<Frame> {
    const svg = this.#generator.svg(this.#progress)
    if (svg !== null) return { svg, preview: await svgPreview(svg) }
    const image = await this.#session.image(this.#generator.controls(this.#progress))
    return { svg, preview: await rasterPreview(planesRaster(image, this.#generator), this.#request) }
  }

  /** Views of the present drawing and of others that differ from it in one choice; null when no choice is left. */
  async candidates(): Promise<Float32Array | null> {
    this.#refinement ??= this.#generator.refine?.() ?? null
    const others = this.#refinement?.candidates() ?? []
    if (others.length === 0) return null
    const views = [this.#generator.svg(1)!, ...others].map(async (svg) => {
      const raster = await previewRaster(await svgPreview(svg))
      return plainView(raster, this.#spec).pixels(0, 1)
    })
    return concat(await Promise.all(views))
  }

  /** Keeps the candidate of the least loss. */
  select(losses: readonly number[]): void {
    this.#refinement!.keep(losses.indexOf(Math.min(...losses)) - 1)
  }

  save(): Uint8Array {
    return saveCheckpoint(this.#step, this.#state)
  }

  /** @throws Error when `save` was called on another drawing */
  restore(saved: Uint8Array): void {
    this.#step = restoreCheckpoint(saved, this.#state)
  }

  /** Everything that changes from step to step, beside their number. */
  get #state(): Float32Array[] {
    return [...this.#generator.parameters.map(({ data }) => data), ...this.#adam.state]
  }

  /** The gradient of the views' mean with respect to the image, in planes as the image is. */
  #imageGradient(viewGradients: Float32Array): Float32Array {
    const { width, height } = this.#generator
    const area = width * height
    const count = this.#views.reduce((sum, views) => sum + views.count, 0)
    const size = viewGradients.length / count
    const interleaved = new Float32Array(area * 3)
    let offset = 0
    for (const views of this.#views) {
      views.accumulate(0, viewGradients.subarray(offset, offset + views.count * size))
      views.addGradient(interleaved)
      offset += views.count * size
    }
    const planes = new Float32Array(area * 3)
    for (let i = 0; i < interleaved.length; i++)
      planes[(i % 3) * area + ((i / 3) | 0)] = interleaved[i]! / count
    return planes
  }
}
