/** Drawings made of shapes whose fills, and the share of the image that each covers, are known. */
import sharp from 'sharp'
import { uniform } from '../../workers/random.ts'

export interface MadeDrawing {
  svg: string
  /** Null for transparency. */
  ground: string | null
  /** Hex colours of the shapes, the lowest first, and the share of the image that each shows. */
  fills: { hex: string; share: number }[]
}

/** Shapes of one drawing. */
const maxShapes = 6

/** Discs, rectangles, triangles, ellipses, rings and curves on white, on transparency or on a colour; by `seed` always the same. */
export async function madeDrawing(seed: number): Promise<MadeDrawing> {
  const random = uniform(seed)
  const size = 160 + Math.floor(random() * 320)
  const ground = [null, null, '#ffffff', '#ffffff', anyColour(random)][Math.floor(random() * 5)]!
  const shapes = Array.from({ length: 1 + Math.floor(random() * maxShapes) }, () => ({
    hex: anyColour(random),
    draw: shape(size, random),
  }))
  const wrap = (paint: (index: number, hex: string) => string, more: string) => {
    const paper = ground === null ? '' : `<rect width="100%" height="100%" fill="${paint(-1, ground)}"/>`
    const body = shapes.map(({ hex, draw }, i) => draw(paint(i, hex))).join('')
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"${more}>${paper}${body}</svg>`
  }
  // Each shape in a colour of its own and without antialiasing tells which pixels it shows.
  const marked = wrap((i) => `rgb(${i < 0 ? 0 : (i + 1) * 40},0,0)`, ' shape-rendering="crispEdges"')
  const { data } = await sharp(Buffer.from(marked))
    .flatten({ background: '#000' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const counts = shapes.map(() => 0)
  for (let p = 0; p < data.length; p += 3) {
    const index = data[p]! / 40 - 1
    if (Number.isInteger(index) && index >= 0) counts[index]!++
  }
  return {
    svg: wrap((_, hex) => hex, ''),
    ground,
    fills: shapes.map(({ hex }, i) => ({ hex, share: counts[i]! / (size * size) })),
  }
}

/** What a palette of the drawing should hold: fills and a coloured ground that cover a share or more, white paper left out. */
export function expectedColours({ fills, ground }: MadeDrawing, minShare: number): string[] {
  const shown = fills.filter(({ hex, share }) => share >= minShare && hex !== ground)
  return [...new Set([...shown.map(({ hex }) => hex), ...(ground && ground !== '#ffffff' ? [ground] : [])])]
}

function anyColour(random: () => number): string {
  const value = () => Math.floor(random() * 256)
  return `#${[value(), value(), value()].map((v) => v.toString(16).padStart(2, '0')).join('')}`
}

function shape(size: number, random: () => number): (paint: string) => string {
  const at = () => size * random()
  const [x, y, s] = [at(), at(), size * (0.08 + 0.35 * random())]
  const [turn, width] = [90 * random(), size * (0.006 + 0.04 * random())]
  const curve = `M${x} ${y}C${at()} ${at()} ${at()} ${at()} ${at()} ${at()}`
  const kinds: ((paint: string) => string)[] = [
    (paint) => `<circle cx="${x}" cy="${y}" r="${s}" fill="${paint}"/>`,
    (paint) =>
      `<rect x="${x - s}" y="${y - s}" width="${2 * s}" height="${1.2 * s}" transform="rotate(${turn} ${x} ${y})" fill="${paint}"/>`,
    (paint) => `<path d="M${x} ${y - s}L${x + s} ${y + s}L${x - s} ${y + 0.6 * s}Z" fill="${paint}"/>`,
    (paint) => `<ellipse cx="${x}" cy="${y}" rx="${s}" ry="${s / 2}" fill="${paint}"/>`,
    (paint) => `<circle cx="${x}" cy="${y}" r="${s}" fill="none" stroke="${paint}" stroke-width="${width}"/>`,
    (paint) => `<path d="${curve}" fill="none" stroke="${paint}" stroke-width="${width}"/>`,
  ]
  return kinds[Math.floor(random() * kinds.length)]!
}
