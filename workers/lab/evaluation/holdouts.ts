import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { type Drawing, drawings, sets } from '../corpus/drawings.ts'
import { edge, render } from '../corpus/render.ts'
import { holdOuts } from '../corpus/sets.ts'

/** An image of a hold-out, drawn: shapes in black on white unless coloured otherwise. */
export interface HeldImage extends Drawing {
  rgba: Buffer
}

export type Rgb = readonly [number, number, number]

/** Whole sets that training did not see. */
export async function heldSet(prefix: string): Promise<HeldImage[]> {
  return drawn(drawings(prefix))
}

/** Sets whose names are brands or titles, not words for what is seen. */
const titled = ['openclipart', 'simple-icons', 'logos']

/** The images, of the other sets, whose name is one of the 1 % held out (the rule is data.py's). */
export async function heldNames(): Promise<HeldImage[]> {
  const some = sets()
    .filter(({ prefix }) => !holdOuts.has(prefix) && !titled.includes(prefix))
    .flatMap(({ prefix }) => drawings(prefix))
  return drawn(some.filter(({ base }) => heldOut(base)))
}

function heldOut(name: string): boolean {
  const digest = createHash('md5').update(`hold:${name}`).digest('hex')
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32 < 0.01
}

async function drawn(some: Drawing[]): Promise<HeldImage[]> {
  const out: HeldImage[] = []
  for (let at = 0; at < some.length; at += 64) {
    const chunk = some.slice(at, at + 64)
    const pixels = await Promise.all(chunk.map(({ svg }) => render(svg)))
    for (const [of, rgba] of pixels.entries()) if (rgba) out.push({ ...chunk[of]!, rgba })
  }
  return out
}

/** The image as a PNG of 64 × 64: a shape in `ink`, a coloured one as it is, on `paper`. */
export async function png(
  image: HeldImage,
  ink: Rgb = [0, 0, 0],
  paper: Rgb = [255, 255, 255],
): Promise<Buffer> {
  const rgb = Buffer.alloc(edge * edge * 3)
  for (let at = 0; at < edge * edge; at++) {
    const alpha = image.rgba[at * 4 + 3]! / 255
    for (let c = 0; c < 3; c++) {
      const own = image.coloured ? image.rgba[at * 4 + c]! : ink[c]!
      rgb[at * 3 + c] = Math.round(own * alpha + paper[c]! * (1 - alpha))
    }
  }
  return sharp(rgb, { raw: { width: edge, height: edge, channels: 3 } })
    .png()
    .toBuffer()
}
