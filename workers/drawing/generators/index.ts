/**
 * The table of generators: a new one is a file beside this one and a row here. The API's enum, the command line, the
 * checks of requests and the painter read it. Generators are loaded when the first drawing needs them.
 */
import { BadUserInput, echoed } from '../../errors.ts'
import type { Generator } from './generator.ts'
import type { GeneratorOptions } from './options.ts'

export interface GeneratorRow {
  name: string
  /** For the API's schema and the command line. */
  description: string
  /** Random views of each step, beside the whole image. */
  cutouts: number
  /** Whether its drawings are SVGs, or pixels alone. */
  vector: boolean
  /** The start that it cannot do without; null where it can. */
  needsStart: string | null
  /** @throws ItemError for a start that cannot be used */
  make(options: GeneratorOptions): Promise<Generator>
}

export const generators = [
  {
    name: 'SHAPES',
    description: 'Rectangles, ellipses and triangles: an SVG.',
    cutouts: 5,
    vector: true,
    needsStart: null,
    make: async (options) => (await import('./shapes.ts')).shapes(options),
  },
  {
    name: 'STROKES',
    description: 'Bezier strokes with width and colour (after CLIPDraw, Frans et al. 2021): an SVG.',
    cutouts: 5,
    vector: true,
    needsStart: null,
    make: async (options) => (await import('./strokes.ts')).strokes(options),
  },
  {
    name: 'PIXELS',
    description: 'The image itself, from coarse to fine, kept smooth.',
    cutouts: 7,
    vector: false,
    needsStart: null,
    make: async (options) => (await import('./pixels.ts')).pixels(options),
  },
  {
    name: 'RECOLOUR',
    description: 'The colours of an SVG; elements that share a colour keep sharing it.',
    cutouts: 0,
    vector: true,
    needsStart: 'the SVG whose colours are changed',
    make: async (options) => (await import('./recolour.ts')).recolour(options),
  },
] as const satisfies readonly GeneratorRow[]

export type GeneratorName = (typeof generators)[number]['name']

/** @throws BadUserInput naming those that there are */
export function generatorNamed(name: string): GeneratorRow & { name: GeneratorName } {
  const row = generators.find((row) => row.name === name)
  if (row) return row
  const names = generators.map((row) => row.name).join(', ')
  throw new BadUserInput(`This server has no generator "${echoed(name)}"; it has ${names}.`)
}
