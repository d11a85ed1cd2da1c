/** An SVG whose colours are optimised. An image is the sum of each colour's coverage times the colour. */

import { ItemError } from '../../errors.ts'
import { imageError } from '../../images/open.ts'
import { limits } from '../../limits.ts'
import type { Size } from '../canvas.ts'
import { renderCovering } from '../render.ts'
import { Colours, hex, nearest, temperature } from './colours.ts'
import { Draw, type Generator, type Refinement } from './generator.ts'
import type { Rgb } from './notation.ts'
import type { GeneratorOptions } from './options.ts'
import { ColouredSvg } from './svg.ts'

/** Groups that the search over a palette tries, those with the most coverage. */
const refined = 12

/** RECOLOUR keeps the size of its SVG. */
export async function recolour({ start, palette, random, canvas }: GeneratorOptions): Promise<Generator> {
  if (!start) throw new ItemError('EMPTY', 'RECOLOUR needs an SVG to start from.')
  const svg = new ColouredSvg(start.bytes)
  const size = await start.size()
  const { width, height } = size
  if (Math.max(width, height) > limits.runAspect * Math.min(width, height))
    throw new ItemError(
      'INVALID',
      `The SVG is ${width} x ${height}: too long, at most ${limits.runAspect} times as long as wide.`,
    )
  const own = canvas(size, 1)
  // Each step renders it again in this thread, where nothing could stop it: tried where something can.
  await start.renderSvg(own, 'fill')
  return recolourSvg(svg, own, palette, random)
}

export async function recolourSvg(
  svg: ColouredSvg,
  size: Size,
  palette: readonly Rgb[] | null,
  random: () => number,
): Promise<Generator> {
  const { width, height } = size
  const area = width * height
  const black = svg.groups.map(() => '#000000')
  const base = await rendered(svg.with(black), size)
  const coverage = await Promise.all(
    svg.groups.map(async (_, k) => {
      const lit = await rendered(svg.with(black.with(k, '#ffffff')), size)
      return Float32Array.from({ length: area }, (_, p) => {
        let sum = 0
        for (let c = 0; c < 3; c++) sum += lit[p * 3 + c]! - base[p * 3 + c]!
        return Math.max(0, sum / (3 * 255))
      })
    }),
  )
  const weight = coverage.map((of) => of.reduce((sum, v) => sum + v, 0))
  const shown = weight.flatMap((sum, k) => (sum > 0.5 ? [k] : []))
  if (shown.length === 0) throw new ItemError('INVALID', 'The SVG shows no colour that could be changed.')
  const visible = new Set(shown)
  // Groups too small to be seen here may be seen where the drawing is larger.
  svg.keep((k) => visible.has(k), palette && ((colour) => hex(nearest(palette, colour))))
  const count = shown.length

  const colours = new Colours('colour', count, palette, (i) => svg.groups[i]!.colour, random)
  const g = new Draw()
  const input = palette ? g.input('temperature', []) : null
  const values = g.node('Transpose', [colours.write(g)], { perm: [1, 0] })
  const planes = new Float32Array(count * area)
  for (const [i, k] of shown.entries()) planes.set(coverage[k]!, i * area)
  const paper = Float32Array.from(
    { length: 3 * area },
    (_, i) => base[(i % area) * 3 + Math.floor(i / area)]! / 255,
  )
  const painted = g.op('MatMul', values, g.floats(planes, [count, area]))
  const image = g.add(painted, g.floats(paper, [3, area]))
  const written = (chosen: (i: number) => Rgb) => svg.with(svg.groups.map((_, i) => hex(chosen(i))))

  return {
    width,
    height,
    parameters: [colours.parameter],
    model: g.finish(image, area),
    controls: (progress): Record<string, number> => (input ? { temperature: temperature(progress) } : {}),
    svg: () => written((i) => colours.at(i)),
    refine: palette
      ? () =>
          paletteSearch(
            palette,
            colours,
            shown.map((k) => weight[k]!),
            written,
          )
      : undefined,
  }
}

/** One group after the other, the widest first, in every colour of the palette, until a round changes nothing. */
function paletteSearch(
  palette: readonly Rgb[],
  colours: Colours,
  weight: readonly number[],
  written: (chosen: (i: number) => Rgb) => string,
): Refinement {
  const order = weight.map((_, i) => i).sort((a, b) => weight[b]! - weight[a]!)
  const places = order.slice(0, refined)
  let at = 0
  let changed = false
  let rounds = 0
  const others = () =>
    palette.map((_, entry) => entry).filter((entry) => entry !== colours.chosen(places[at]!))
  return {
    candidates() {
      if (at === places.length) {
        if (!changed || ++rounds === 3) return []
        at = 0
        changed = false
      }
      const place = places[at]!
      return others().map((entry) => written((i) => (i === place ? palette[entry]! : colours.at(i))))
    },
    keep(index) {
      if (index >= 0) {
        colours.choose(places[at]!, others()[index]!)
        changed = true
      }
      at++
    },
  }
}

/** RGB on white, 3 bytes a pixel. */
async function rendered(svg: string, size: Size): Promise<Uint8Array> {
  const { width, height } = size
  try {
    const image = await renderCovering(svg, size)
    return await image
      .resize(width, height, { fit: 'fill' })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer()
  } catch (error) {
    throw imageError(error)
  }
}
