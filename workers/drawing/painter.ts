/** One guidance run's state: a generator, its numbers, and Adam's memory of their gradients. */

import * as ort from 'onnxruntime-node'
import sharp from 'sharp'
import { differentiate } from '../autodiff/differentiate.ts'
import { ItemError } from '../errors.ts'
import type { ImageSpec } from '../images/image-spec.ts'
import { type ImageLimits, imageError, imageHeader, openImage } from '../images/open.ts'
import type { Raster } from '../images/raster.ts'
import { svgRenderer } from '../images/svg/renderer.ts'
import { type CutoutChoice, cutoutViews, plainView, type Views } from '../images/views.ts'
import { writeModel } from '../onnx/file.ts'
import { valueInfo } from '../onnx/writer.ts'
import { uniform } from '../random.ts'
import { concat } from '../similarity/vectors.ts'
import { parsePalette } from './generators/colours.ts'
import { type Generator, imageName, type Refinement } from './generators/generator.ts'
import { pixels } from './generators/pixels.ts'
import { densityFor, recolour } from './generators/recolour.ts'
import { shapes } from './generators/shapes.ts'
import { pieces, strokes } from './generators/strokes.ts'
import { ColouredSvg } from './generators/svg.ts'

export const generatorNames = ['SHAPES', 'STROKES', 'PIXELS', 'RECOLOUR'] as const
export type GeneratorName = (typeof generatorNames)[number]

/** What a run is asked to make. */
export interface DrawingRequest {
  generator: GeneratorName
  steps: number
  seed: number
  /** Size of what comes out; RECOLOUR keeps the drawing's own. */
  width: number
  height: number
  /** Shapes or strokes. */
  elements: number
  palette: readonly string[] | null
  /** An image that PIXELS begins with, or RECOLOUR's SVG. */
  start: Uint8Array | null
}

/** An image on the way. */
export interface Frame {
  preview: { png: Uint8Array; width: number; height: number }
  svg: string | null
}

/** Edge of the canvas that is optimised, in encoder edges and in pixels. */
const canvasEdge = { share: 1.5, least: 96, most: 224 }
/**
 * Most numbers of a tensor that has one for each pixel of the canvas and each shape, or each piece of a stroke. Some
 * ten such tensors are alive in a step: more elements are painted on a smaller canvas.
 */
const largestTensor = 10e6
/** How many times as long as wide a drawing may be. */
export const longestAspect = 8
/** Longest edge of a preview. */
const previewEdge = 512
/**
 * Half of the cutouts in grey: what is drawn must be told by its shape as well as by its colours. They are turned, and
 * reach beyond the border, which goes on outside: a thing in the middle on a plain ground is told by all of them.
 */
const choice: CutoutChoice = { grey: 0.5, size: [0.85, 1.35], turn: 0.15 }
/** Views of a step beside the whole image. */
const cutouts: Record<GeneratorName, number> = { SHAPES: 5, STROKES: 5, PIXELS: 7, RECOLOUR: 0 }

export class Painter {
  readonly #commission: DrawingRequest
  readonly #spec: ImageSpec
  readonly #generator: Generator
  readonly #forward: ort.InferenceSession
  readonly #backward: ort.InferenceSession
  readonly #gradients: string[]
  /** Adam's first and second moments of each parameter (Kingma and Ba 2015). */
  readonly #moments: { first: Float32Array; second: Float32Array }[]
  #views: Views[] = []
  #image: Float32Array = new Float32Array()
  #refinement: Refinement | null = null
  #step = 0

  private constructor(
    commission: DrawingRequest,
    spec: ImageSpec,
    generator: Generator,
    sessions: { forward: ort.InferenceSession; backward: ort.InferenceSession; gradients: string[] },
  ) {
    this.#commission = commission
    this.#spec = spec
    this.#generator = generator
    this.#forward = sessions.forward
    this.#backward = sessions.backward
    this.#gradients = sessions.gradients
    this.#moments = generator.parameters.map(({ data }) => ({
      first: new Float32Array(data.length),
      second: new Float32Array(data.length),
    }))
  }

  /** @throws ItemError for a start that cannot be used, BadUserInput for a palette of nonsense */
  static async open(commission: DrawingRequest, spec: ImageSpec, limits: ImageLimits): Promise<Painter> {
    const generator = await makeGenerator(commission, spec, limits)
    return new Painter(commission, spec, generator, await openSessions(generator))
  }

  get step(): number {
    return this.#step
  }

  get #progress(): number {
    return Math.min(1, this.#step / this.#commission.steps)
  }

  /** What the encoder is to see of the image as it is now, views one after the other. */
  async views(): Promise<Float32Array> {
    const { width, height } = this.#generator
    const { [imageName]: image } = await this.#forward.run(this.#feeds())
    this.#image = (image!.data as Float32Array).slice()
    const raster = toRaster(this.#image, width, height)
    const seed = this.#commission.seed * 7919 + this.#step
    this.#views = [
      plainView(raster, this.#spec),
      cutoutViews(raster, this.#spec, cutouts[this.#commission.generator], seed, choice),
    ]
    return concat(this.#views.map((views) => views.pixels(0, views.count)))
  }

  /** One step of Adam against the gradients with respect to the views; the rate falls by a cosine. */
  async update(rows: Float32Array): Promise<void> {
    const { width, height, parameters, prior } = this.#generator
    const area = width * height
    const interleaved = new Float32Array(area * 3)
    const count = this.#views.reduce((sum, views) => sum + views.count, 0)
    const size = rows.length / count
    let at = 0
    for (const views of this.#views) {
      views.accumulate(0, rows.subarray(at, at + views.count * size))
      views.addGradient(interleaved)
      at += views.count * size
    }
    const planes = new Float32Array(area * 3)
    for (let i = 0; i < interleaved.length; i++)
      planes[(i % 3) * area + ((i / 3) | 0)] = interleaved[i]! / count
    prior?.(this.#image, planes)
    const results = await this.#backward.run({
      ...this.#feeds(),
      [cotangent]: new ort.Tensor('float32', planes, [3, area]),
    })
    const rate = 0.5 * (1 + Math.cos(Math.PI * this.#progress))
    this.#step++
    const [keepFirst, keepSecond] = [0.9, 0.99]
    const unbias = Math.sqrt(1 - keepSecond ** this.#step) / (1 - keepFirst ** this.#step)
    for (const [k, parameter] of parameters.entries()) {
      const gradient = results[this.#gradients[k]!]!.data as Float32Array
      this.#generator.regularise?.(parameter, gradient)
      const { first, second } = this.#moments[k]!
      for (let i = 0; i < gradient.length; i++) {
        const g = gradient[i]!
        first[i] = keepFirst * first[i]! + (1 - keepFirst) * g
        second[i] = keepSecond * second[i]! + (1 - keepSecond) * g * g
        parameter.data[i]! -= (rate * parameter.rate * unbias * first[i]!) / (Math.sqrt(second[i]!) + 1e-12)
      }
    }
  }

  async frame(): Promise<Frame> {
    const svg = this.#generator.svg(this.#progress)
    if (svg !== null) return { svg, preview: await renderSvg(svg, previewEdge) }
    const { width, height } = this.#commission
    const scale = Math.min(1, previewEdge / Math.max(width, height))
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) }
    const { [imageName]: image } = await this.#forward.run(this.#feeds())
    const raster = toRaster(image!.data as Float32Array, this.#generator.width, this.#generator.height)
    const png = await sharp(Buffer.from(raster.data.buffer), {
      raw: { width: raster.width, height: raster.height, channels: 3 },
    })
      .resize({ ...size, fit: 'fill', kernel: 'cubic' })
      .png()
      .toBuffer()
    return { svg: null, preview: { png, ...size } }
  }

  /** Views of drawings that differ in one choice from the present one, which comes first; null when none is left. */
  async alternatives(): Promise<Float32Array | null> {
    this.#refinement ??= this.#generator.refine?.() ?? null
    const candidates = this.#refinement?.candidates() ?? []
    if (candidates.length === 0) return null
    const views = await Promise.all(
      [this.#generator.svg(1)!, ...candidates].map(async (svg) => {
        const { png } = await renderSvg(svg, previewEdge)
        const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
        return plainView({ data, width: info.width, height: info.height }, this.#spec).pixels(0, 1)
      }),
    )
    return concat(views)
  }

  /** Keeps what has the least loss; the first is the present drawing. */
  choose(losses: readonly number[]): void {
    this.#refinement!.keep(losses.indexOf(Math.min(...losses)) - 1)
  }

  /** Everything that changes from step to step. */
  save(): Uint8Array {
    const all = [
      Float32Array.of(this.#step),
      ...this.#generator.parameters.map(({ data }) => data),
      ...this.#moments.flatMap(({ first, second }) => [first, second]),
    ]
    return new Uint8Array(concat(all).buffer)
  }

  /** Goes on from what `save` gave. @throws Error when it is of another commission */
  restore(saved: Uint8Array): void {
    const all = new Float32Array(new Uint8Array(saved).buffer)
    const parts = [
      ...this.#generator.parameters.map(({ data }) => data),
      ...this.#moments.flatMap(({ first, second }) => [first, second]),
    ]
    if (all.length !== 1 + parts.reduce((sum, { length }) => sum + length, 0))
      throw new Error('the saved state is of another drawing')
    this.#step = all[0]!
    let at = 1
    for (const part of parts) {
      part.set(all.subarray(at, at + part.length))
      at += part.length
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#forward.release(), this.#backward.release()])
  }

  #feeds(): Record<string, ort.Tensor> {
    const feeds: Record<string, ort.Tensor> = {}
    for (const { name, data, dims } of this.#generator.parameters)
      feeds[name] = new ort.Tensor('float32', data.slice(), dims)
    for (const [name, value] of Object.entries(this.#generator.controls(this.#progress)))
      feeds[name] = new ort.Tensor('float32', Float32Array.of(value), [])
    return feeds
  }
}

const cotangent = 'limn_cotangent'

async function makeGenerator(
  commission: DrawingRequest,
  spec: ImageSpec,
  limits: ImageLimits,
): Promise<Generator> {
  const { generator, elements, start, seed } = commission
  const palette = parsePalette(commission.palette)
  const random = uniform(seed)
  const wanted = Math.max(spec.width, spec.height) * canvasEdge.share
  const layers = { SHAPES: elements, STROKES: elements * pieces, PIXELS: 1, RECOLOUR: 1 }[generator]
  const edge = Math.min(
    canvasEdge.most,
    Math.max(canvasEdge.least, Math.round(wanted)),
    Math.floor(Math.sqrt(largestTensor / layers)),
  )
  const sized = (outer: { width: number; height: number }) => {
    const scale = edge / Math.max(outer.width, outer.height)
    return {
      width: Math.max(8, Math.round(outer.width * scale)),
      height: Math.max(8, Math.round(outer.height * scale)),
      outer,
    }
  }
  const { width, height } = commission
  const canvas = sized({ width, height })
  switch (generator) {
    case 'SHAPES':
      return shapes(canvas, elements, palette, random, start && (await colours(start, canvas, limits)))
    case 'STROKES':
      return strokes(canvas, elements, palette, random, start && (await colours(start, canvas, limits)))
    case 'PIXELS':
      return pixels(canvas, start && (await startPlanes(start, canvas, limits)))
    case 'RECOLOUR': {
      if (!start) throw new ItemError('EMPTY', 'RECOLOUR needs an SVG to start from.')
      const svg = new ColouredSvg(start)
      const { width, height } = await imageHeader(start, limits)
      if (Math.max(width, height) > longestAspect * Math.min(width, height))
        throw new ItemError(
          'INVALID',
          `The SVG is ${width} x ${height}: too long, at most ${longestAspect} times as long as wide.`,
        )
      const own = sized({ width, height })
      // Drawn again at each step, where nothing could stop it.
      await svgRenderer
        .render(start, { pixels: limits.pixels, resize: { ...own, fit: 'fill' } })
        .catch((error) => {
          throw imageError(error)
        })
      return recolour(svg, own, palette, random)
    }
  }
}

/** The image's colour at a place, the longer edge being 1. */
async function colours(start: Uint8Array, canvas: { width: number; height: number }, limits: ImageLimits) {
  const { width, height } = canvas
  const planes = await startPlanes(start, canvas, limits)
  const edge = Math.max(width, height)
  return (x: number, y: number): [number, number, number] => {
    const [px, py] = [Math.min(width - 1, Math.floor(x * edge)), Math.min(height - 1, Math.floor(y * edge))]
    return [0, 1, 2].map((c) => planes[c * width * height + py * width + px]!) as [number, number, number]
  }
}

async function startPlanes(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
  limits: ImageLimits,
): Promise<Float32Array> {
  const { format } = await imageHeader(bytes, limits)
  const resize = { width, height, fit: 'cover' } as const
  const open = async () => {
    if (format !== 'svg') return openImage(bytes, limits).autoOrient().resize(resize)
    const { data, ...raw } = await svgRenderer.render(bytes, { pixels: limits.pixels, resize })
    return sharp(data, { raw })
  }
  const data = await open()
    .then((image) =>
      image.flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha().raw().toBuffer(),
    )
    .catch((error) => {
      throw imageError(error)
    })
  const area = width * height
  return Float32Array.from({ length: 3 * area }, (_, i) => data[(i % area) * 3 + Math.floor(i / area)]! / 255)
}

/** The generator alone, and with the gradients of its parameters for a given gradient of its image. */
async function openSessions(generator: Generator) {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const
  const forward = await ort.InferenceSession.create(writeModel(generator.model), options)
  const feeds: Record<string, ort.Tensor> = {}
  for (const { name, data, dims } of generator.parameters)
    feeds[name] = new ort.Tensor('float32', data.slice(), dims)
  for (const [name, value] of Object.entries(generator.controls(0)))
    feeds[name] = new ort.Tensor('float32', Float32Array.of(value), [])
  const area = generator.width * generator.height
  const { gradients } = await differentiate(generator.model, {
    inputs: generator.parameters.map(({ name }) => name),
    output: imageName,
    feeds,
    seed(writer) {
      writer.graph.input!.push(valueInfo({ name: cotangent, shape: [3, area] }))
      return cotangent
    },
  })
  // The image itself is known by then.
  generator.model.graph!.output = gradients.map((name, i) =>
    valueInfo({ name, shape: generator.parameters[i]!.dims.map((_, d) => `d${i}_${d}`) }),
  )
  const backward = await ort.InferenceSession.create(writeModel(generator.model), options)
  return { forward, backward, gradients }
}

/** RGB planes in 0..1 to bytes. */
function toRaster(planes: Float32Array, width: number, height: number): Raster {
  const area = width * height
  const data = new Uint8ClampedArray(area * 3)
  for (let p = 0; p < area; p++) for (let c = 0; c < 3; c++) data[p * 3 + c] = planes[c * area + p]! * 255
  return { data: new Uint8Array(data.buffer), width, height }
}

export async function renderSvg(svg: string, edge: number): Promise<Frame['preview']> {
  const density = await densityFor(svg, edge, edge)
  const { data, info } = await sharp(Buffer.from(svg), { density })
    .resize(edge, edge, { fit: 'inside' })
    .flatten({ background: '#ffffff' })
    .png()
    .toBuffer({ resolveWithObject: true })
  return { png: data, width: info.width, height: info.height }
}
