/** Soft rectangles, ellipses and triangles over a background. */

import type { Size } from '../canvas.ts'
import { anyColour, Colours, hex, temperature } from './colours.ts'
import { Draw, fade, type Generator, invisible, logit, type Parameter, sigmoid } from './generator.ts'
import type { Rgb } from './notation.ts'
import type { GeneratorOptions } from './options.ts'

const kinds = ['rectangle', 'ellipse', 'triangle'] as const

/** Width of an edge's transition in pixels of the canvas, at the beginning and at the end. */
const softness = [2.5, 0.6] as const

export async function shapes(options: GeneratorOptions): Promise<Generator> {
  const { elements, palette, random, start } = options
  const canvas = options.canvas(options.size, elements)
  const { width, height, outer } = canvas
  const colourAt = start && (await start.colours(canvas))
  const edge = Math.max(width, height)
  const [right, bottom] = [width / edge, height / edge]
  const counts = kinds.map((_, k) => Math.floor((elements + kinds.length - 1 - k) / kinds.length))
  const parameters: Parameter[] = []
  const column = (name: string, count: number, rate: number, start: () => number) => {
    const parameter = { name, dims: [count, 1], data: Float32Array.from({ length: count }, start), rate }
    parameters.push(parameter)
    return parameter
  }
  const g = new Draw()
  const { x: gridX, y: gridY } = g.grid(canvas)
  const soft = g.input('softness', [])
  const groups = kinds.flatMap((kind, k) => {
    const count = counts[k]!
    if (count === 0) return []
    const params = {
      x: column(`${kind}_x`, count, 0.012, () => right * (0.15 + 0.7 * random())),
      y: column(`${kind}_y`, count, 0.012, () => bottom * (0.15 + 0.7 * random())),
      a: column(`${kind}_a`, count, 0.05, () => Math.log(0.06 + 0.14 * random())),
      b: column(`${kind}_b`, count, 0.05, () => Math.log(0.06 + 0.14 * random())),
      angle: column(`${kind}_angle`, count, 0.06, () => Math.PI * 2 * random()),
      opacity: column(`${kind}_opacity`, count, 0.08, () => logit(0.8)),
    }
    const take = ({ name, dims }: Parameter) => g.input(name, dims)
    const [dx, dy] = [g.sub(gridX, take(params.x)), g.sub(gridY, take(params.y))]
    const angle = take(params.angle)
    const [cos, sin] = [g.op('Cos', angle), g.op('Sin', angle)]
    const u = g.add(g.mul(dx, cos), g.mul(dy, sin))
    const v = g.sub(g.mul(dy, cos), g.mul(dx, sin))
    const [a, b] = [g.op('Exp', take(params.a)), g.op('Exp', take(params.b))]
    const distance = distances[kind](g, u, v, a, b)
    const inside = g.op('Sigmoid', g.op('Neg', g.div(distance, soft)))
    return [{ kind, count, params, coverage: g.mul(inside, g.op('Sigmoid', take(params.opacity))) }]
  })
  const middles = groups.flatMap(({ params }) =>
    Array.from(params.x.data, (x, i) => [x, params.y.data[i]!] as const),
  )
  const first = (i: number): Rgb => colourAt?.(...middles[i]!) ?? anyColour(random)
  const colours = new Colours('colour', elements, palette, first, random)
  const background = new Colours('background', 1, palette, () => [0.99, 0.99, 0.99], random)
  background.parameter.rate /= 20
  parameters.push(colours.parameter, background.parameter)
  if (palette) g.input('temperature', [])
  const coverage =
    groups.length > 1
      ? g.node(
          'Concat',
          groups.map((group) => group.coverage),
          { axis: 0 },
        )
      : groups[0]!.coverage
  const image = g.composite(coverage, colours.write(g), background.write(g))

  return {
    width,
    height,
    parameters,
    model: g.finish(image, width * height),
    controls: (progress) => ({
      softness: (softness[0] * (softness[1] / softness[0]) ** progress) / edge,
      ...(palette ? { temperature: temperature(progress) } : {}),
    }),
    regularise(parameter, gradient) {
      if (parameter.name.endsWith('opacity')) fade(parameter, gradient)
    },
    svg() {
      const scale = Math.max(outer.width, outer.height)
      const n = (value: number) => String(+value.toFixed(2))
      let place = 0
      const drawn = groups.flatMap(({ kind, count, params }) =>
        Array.from({ length: count }, (_, i) => {
          const value = (parameter: Parameter) => parameter.data[i]!
          const [x, y] = [value(params.x) * scale, value(params.y) * scale]
          const [a, b] = [Math.exp(value(params.a)) * scale, Math.exp(value(params.b)) * scale]
          const turn = `transform="translate(${n(x)} ${n(y)}) rotate(${n((value(params.angle) * 180) / Math.PI)})"`
          const opacity = sigmoid(value(params.opacity))
          const colour = hex(colours.at(place++))
          if (opacity < invisible) return []
          const paint = `fill="${colour}" fill-opacity="${n(opacity)}" ${turn}`
          if (kind === 'ellipse') return `<ellipse rx="${n(a)}" ry="${n(b)}" ${paint}/>`
          if (kind === 'rectangle')
            return `<rect x="${n(-a)}" y="${n(-b)}" width="${n(2 * a)}" height="${n(2 * b)}" ${paint}/>`
          return `<polygon points="0,${n(-b)} ${n(a)},${n(b)} ${n(-a)},${n(b)}" ${paint}/>`
        }).flat(),
      )
      return drawing(outer, hex(background.at(0)), drawn)
    },
  }
}

/** An SVG file with a background. */
export const drawing = ({ width, height }: Size, background: string, drawn: string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n` +
  `<rect width="${width}" height="${height}" fill="${background}"/>\n${drawn.join('\n')}\n</svg>\n`

type Distance = (g: Draw, u: string, v: string, a: string, b: string) => string

/** Signed distance to the outline, negative inside, with half axes a and b; near the outline it is exact to first order. */
const distances: Record<(typeof kinds)[number], Distance> = {
  rectangle: (g, u, v, a, b) => g.max(g.sub(g.op('Abs', u), a), g.sub(g.op('Abs', v), b)),
  // f / |grad f| of f = (u/a)^2 + (v/b)^2 - 1.
  ellipse(g, u, v, a, b) {
    const [p, q] = [g.div(u, a), g.div(v, b)]
    const f = g.sub(g.add(g.square(p), g.square(q)), 1)
    const slope = g.op('Sqrt', g.add(g.add(g.square(g.div(p, a)), g.square(g.div(q, b))), 1e-4))
    return g.div(f, g.mul(2, slope))
  },
  // Corners at (0, -b) and (+-a, b): below the base, or outside of a side.
  triangle(g, u, v, a, b) {
    const length = g.op('Sqrt', g.add(g.mul(4, g.square(b)), g.square(a)))
    const beside = g.sub(g.mul(g.mul(2, b), g.op('Abs', u)), g.mul(a, g.add(v, b)))
    return g.max(g.sub(v, b), g.div(beside, length))
  },
}
