/** Bezier strokes with width and colour (CLIPDraw, Frans et al. 2021) on a background. */

import { anyColour, Colours, hex, temperature } from './colours.ts'
import { Draw, fade, type Generator, invisible, logit, type Parameter, sigmoid } from './generator.ts'
import type { Rgb } from './notation.ts'
import type { GeneratorOptions } from './options.ts'
import { drawing } from './shapes.ts'

/** Straight pieces that stand for a curve while it is optimised. */
const pieces = 8

const softness = [2, 0.6] as const

export async function strokes(options: GeneratorOptions): Promise<Generator> {
  const { elements, palette, random, start } = options
  const canvas = options.canvas(options.size, elements * pieces)
  const { width, height, outer } = canvas
  const colourAt = start && (await start.colours(canvas))
  const edge = Math.max(width, height)
  const [right, bottom] = [width / edge, height / edge]
  const n = elements
  const points = (length: number) => new Float32Array(n * 4).fill(length)
  const [x, y] = [points(0), points(0)]
  for (let i = 0; i < n; i++) {
    // A short curve somewhere: each point a step from the one before.
    let [px, py] = [right * (0.15 + 0.7 * random()), bottom * (0.15 + 0.7 * random())]
    for (let k = 0; k < 4; k++) {
      x[i * 4 + k] = px
      y[i * 4 + k] = py
      px += 0.24 * (random() - 0.5)
      py += 0.24 * (random() - 0.5)
    }
  }
  const params = {
    x: { name: 'x', dims: [n, 4], data: x, rate: 0.012 },
    y: { name: 'y', dims: [n, 4], data: y, rate: 0.012 },
    width: {
      name: 'width',
      dims: [n, 1],
      data: Float32Array.from({ length: n }, () => Math.log(0.025 + 0.03 * random())),
      rate: 0.04,
    },
    opacity: { name: 'opacity', dims: [n, 1], data: new Float32Array(n).fill(logit(0.85)), rate: 0.08 },
  } satisfies Record<string, Parameter>
  const first = (i: number): Rgb => colourAt?.(x[i * 4]!, y[i * 4]!) ?? anyColour(random)
  const colours = new Colours('colour', n, palette, first, random)
  const background = new Colours('background', 1, palette, () => [0.99, 0.99, 0.99], random)
  background.parameter.rate /= 20

  const g = new Draw()
  const grid = g.grid(canvas)
  const soft = g.input('softness', [])
  const row = (line: string) => g.unsqueeze(line, [0])
  const [gx, gy] = [row(grid.x), row(grid.y)]
  /** Points of the curve, [n, pieces + 1], by the Bernstein polynomials. */
  const bernstein = g.floats(
    [0, 1, 2, 3].flatMap((k) =>
      Array.from({ length: pieces + 1 }, (_, i) => {
        const t = i / pieces
        return [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3][k]!
      }),
    ),
    [4, pieces + 1],
  )
  const on = ({ name, dims }: Parameter) => g.op('MatMul', g.input(name, dims), bernstein)
  const ends = (line: string) => ({
    from: g.unsqueeze(g.slice(line, 1, 0, pieces), [2]),
    to: g.unsqueeze(g.slice(line, 1, 1, pieces + 1), [2]),
  })
  const [ex, ey] = [ends(on(params.x)), ends(on(params.y))]
  const [vx, vy] = [g.sub(ex.to, ex.from), g.sub(ey.to, ey.from)]
  // Nearest point of each piece: its parameter clipped to the piece.
  const [dx, dy] = [g.sub(gx, ex.from), g.sub(gy, ey.from)]
  const along = g.div(g.add(g.mul(dx, vx), g.mul(dy, vy)), g.add(g.add(g.square(vx), g.square(vy)), 1e-8))
  const t = g.op('Clip', along, 0, 1)
  const away = g.add(g.square(g.sub(dx, g.mul(t, vx))), g.square(g.sub(dy, g.mul(t, vy))))
  const nearest = g.node('ReduceMin', [away], { axes: [1], keepdims: 0 })
  const distance = g.sub(
    g.op('Sqrt', g.add(nearest, 1e-8)),
    g.mul(0.5, g.op('Exp', g.input('width', params.width.dims))),
  )
  const inside = g.op('Sigmoid', g.op('Neg', g.div(distance, soft)))
  const coverage = g.mul(inside, g.op('Sigmoid', g.input('opacity', params.opacity.dims)))
  if (palette) g.input('temperature', [])
  const image = g.composite(coverage, colours.write(g), background.write(g))

  return {
    width,
    height,
    parameters: [params.x, params.y, params.width, params.opacity, colours.parameter, background.parameter],
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
      const f = (value: number) => String(+value.toFixed(2))
      const drawn = Array.from({ length: n }, (_, i) => {
        const point = (k: number) => `${f(x[i * 4 + k]! * scale)} ${f(y[i * 4 + k]! * scale)}`
        const line = `M${point(0)} C${point(1)} ${point(2)} ${point(3)}`
        const opacity = sigmoid(params.opacity.data[i]!)
        if (opacity < invisible) return []
        const paint = `stroke="${hex(colours.at(i))}" stroke-opacity="${f(opacity)}"`
        return `<path d="${line}" fill="none" stroke-linecap="round" stroke-linejoin="round" stroke-width="${f(Math.exp(params.width.data[i]!) * scale)}" ${paint}/>`
      }).flat()
      return drawing(outer, hex(background.at(0)), drawn)
    },
  }
}
