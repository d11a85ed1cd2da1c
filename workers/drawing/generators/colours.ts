import { BadUserInput, echoed } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { type Draw, sigmoid } from './generator.ts'
import { type Rgb, readColour } from './notation.ts'

export const hex = (rgb: readonly number[]): string =>
  `#${rgb
    .map((v) =>
      Math.round(Math.min(1, Math.max(0, v)) * 255)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`

/** First colours of elements without a start image: plain colours that go together. */
const basic = [
  '#e63946',
  '#f4a261',
  '#ffd166',
  '#2a9d8f',
  '#4caf50',
  '#3a86ff',
  '#7b5ea7',
  '#8d6e63',
  '#264653',
  '#f8f9fa',
].map((text) => readColour(text)!.rgb)
export const anyColour = (random: () => number): Rgb => basic[Math.floor(random() * basic.length)]!

/** @throws BadUserInput naming the entry that is no colour */
export function parsePalette(given: readonly string[] | null | undefined): Rgb[] | null {
  if (given == null) return null
  if (given.length === 0)
    throw new BadUserInput('palette is empty: leave it out, or give at least one colour.')
  if (given.length > limits.paletteColours)
    throw new BadUserInput(`palette has ${given.length} colours; at most ${limits.paletteColours} are used.`)
  return given.map((text, i) => {
    const value = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())
    const colour = value && readColour(`#${value[1]}`)
    if (!colour)
      throw new BadUserInput(`palette[${i}] is "${echoed(text)}", which is no hex colour such as #0a84ff.`)
    return colour.rgb
  })
}

/** Colours that are optimised: free ones, or mixtures of a palette that become pure as the temperature falls. */
export class Colours {
  readonly #palette: readonly Rgb[] | null
  readonly parameter: { name: string; dims: readonly number[]; data: Float32Array; rate: number }

  /** `start` gives the first colour of each of `count`. */
  constructor(
    name: string,
    count: number,
    palette: readonly Rgb[] | null,
    start: (i: number) => Rgb,
    random: () => number,
  ) {
    this.#palette = palette
    const width = palette?.length ?? 3
    const data = new Float32Array(count * width)
    for (let i = 0; i < count; i++) {
      const wanted = start(i)
      for (let k = 0; k < width; k++)
        data[i * width + k] = palette
          ? -2 * distance(palette[k]!, wanted) + 0.2 * (random() - 0.5)
          : Math.min(4, Math.max(-4, Math.log((wanted[k]! + 0.02) / (1.02 - wanted[k]!))))
    }
    this.parameter = { name, dims: [count, width], data, rate: palette ? 0.15 : 0.2 }
  }

  /** [count, 3]. The graph takes `temperature` as a control where there is a palette. */
  write(g: Draw): string {
    const input = g.input(this.parameter.name, this.parameter.dims)
    if (!this.#palette) return g.op('Sigmoid', input)
    const shares = g.node('Softmax', [g.div(input, 'temperature')], { axis: -1 })
    return g.op('MatMul', shares, g.floats(this.#palette.flat(), [this.#palette.length, 3]))
  }

  /** The colour now: exactly one of the palette's. */
  at(i: number): Rgb {
    const width = this.#palette?.length ?? 3
    const row = this.parameter.data.subarray(i * width, (i + 1) * width)
    if (!this.#palette) return [sigmoid(row[0]!), sigmoid(row[1]!), sigmoid(row[2]!)]
    return this.#palette[row.indexOf(Math.max(...row))]!
  }

  /** Makes an entry of the palette the colour of group `i`. */
  choose(i: number, entry: number): void {
    const width = this.#palette!.length
    const row = this.parameter.data.subarray(i * width, (i + 1) * width)
    row[entry] = Math.max(...row) + 1
  }

  chosen(i: number): number {
    const width = this.#palette!.length
    const row = this.parameter.data.subarray(i * width, (i + 1) * width)
    return row.indexOf(Math.max(...row))
  }
}

/** Temperature of a palette's mixtures: soft at first, nearly pure at the end. */
export const temperature = (progress: number) => 1 * (0.05 / 1) ** progress

/** The palette's colour that is closest. */
export const nearest = (palette: readonly Rgb[], to: Rgb): Rgb =>
  palette.reduce((best, colour) => (distance(colour, to) < distance(best, to) ? colour : best))

const distance = (a: Rgb, b: Rgb) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
