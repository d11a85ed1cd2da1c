/**
 * Do palettes hold the fills of drawings? 500 made drawings (test/support/made-drawings.ts) as SVG, PNG, WebP and JPEG:
 * the share of fills of 2 % of the image or more that come out right, by two measures of difference, colours that are in
 * no drawing, and the time of an image. `npx node test/bench/colour.ts [DRAWINGS]`;
 * `npx node test/bench/colour.ts image NAME...` draws the page's image of samples
 */
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { difference, labOfHex } from '../../workers/colour/oklab.ts'
import { paletteEdge, paletteOf } from '../../workers/colour/palette.ts'
import { displayPixels } from '../../workers/images/display.ts'
import { defaultLimits } from '../../workers/images/open.ts'
import { ciede2000 } from '../support/ciede2000.ts'
import { expectedColours, madeDrawing } from '../support/made-drawings.ts'

const near = 5

const formats: Record<string, (svg: Buffer) => Promise<Buffer>> = {
  SVG: async (svg) => svg,
  PNG: (svg) => sharp(svg).png().toBuffer(),
  'WebP, quality 80': (svg) => sharp(svg).webp({ quality: 80 }).toBuffer(),
  'JPEG, quality 85': (svg) => sharp(svg).flatten({ background: '#fff' }).jpeg({ quality: 85 }).toBuffer(),
}

export async function colourBench(count = 500): Promise<void> {
  const drawings = await Promise.all(Array.from({ length: count }, (_, n) => madeDrawing(1000 + n)))
  for (const [name, save] of Object.entries(formats)) {
    let [fills, byOklab, byCiede, strange, colours, ms] = [0, 0, 0, 0, 0, 0]
    for (const drawing of drawings) {
      const file = await save(Buffer.from(drawing.svg))
      const pixels = await displayPixels(file, paletteEdge, defaultLimits)
      const begun = process.cpuUsage()
      const palette = paletteOf(pixels)
      const { user, system } = process.cpuUsage(begun)
      ms += (user + system) / 1000
      const found = palette.colours.map(({ hex }) => hex)
      colours += found.length
      for (const hex of expectedColours(drawing, 0.02)) {
        fills++
        if (found.some((one) => difference(labOfHex(one), labOfHex(hex)) < near)) byOklab++
        if (found.some((one) => ciede2000(one, hex) < near)) byCiede++
      }
      const known = [...drawing.fills.map(({ hex }) => hex), drawing.ground ?? '#ffffff']
      strange += found.filter((one) =>
        known.every((hex) => difference(labOfHex(one), labOfHex(hex)) >= near),
      ).length
    }
    const percent = (part: number) => `${((100 * part) / fills).toFixed(1)} %`
    console.log(
      `${name}: ${fills} fills of 2 % or more in ${count} drawings; within ${near} of OKLab x 100 ${percent(byOklab)}, within CIEDE2000 ${near} ${percent(byCiede)}; ${(colours / count).toFixed(1)} colours a drawing, ${(strange / count).toFixed(2)} of them strange; ${(ms / count).toFixed(0)} ms of a core after decoding`,
    )
  }
}

/** The image of docs/colour.md: images and their palettes, each colour as wide as its share, the ground hatched. */
export async function palettesImage(names: readonly string[]): Promise<void> {
  const [size, bar, gap] = [150, 26, 16]
  const tiles = await Promise.all(
    names.map(async (name, n) => {
      const file = readFileSync(name.includes('/') ? name : `workers/ingest/samples/${name}.webp`)
      const { ground, colours } = paletteOf(await displayPixels(file, paletteEdge, defaultLimits))
      const drawn = 1 - (ground?.share ?? 0)
      let x = 0
      const rects = colours.map(({ hex, share }) => {
        const width = size * share * drawn
        x += width
        return `<rect x="${x - width}" width="${width}" height="${bar}" fill="${hex}"/>`
      })
      const hatch =
        '<pattern id="h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="6" fill="#bbb"/></pattern>'
      const strip = Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${bar}">${hatch}<rect width="100%" height="100%" fill="#fff"/>${rects.join('')}<rect x="${x}" width="${size - x}" height="${bar}" fill="url(#h)"/><rect x=".5" y=".5" width="${size - 1}" height="${bar - 1}" fill="none" stroke="#999"/></svg>`,
      )
      const image = await sharp(file)
        .resize(size, size, { fit: 'contain', background: '#fff' })
        .png()
        .toBuffer()
      const [left, top] = [gap + (n % 6) * (size + gap), gap + Math.floor(n / 6) * (size + bar + 2 * gap)]
      return [
        { input: image, left, top },
        { input: strip, left, top: top + size + 6 },
      ]
    }),
  )
  const rows = Math.ceil(names.length / 6)
  const create = {
    width: 6 * (size + gap) + gap,
    height: rows * (size + bar + 2 * gap) + gap,
    channels: 3 as const,
    background: '#ffffff',
  }
  await sharp({ create }).composite(tiles.flat()).png().toFile('docs/images/palettes.png')
}

if (import.meta.main) {
  const [first, ...more] = process.argv.slice(2)
  if (first === 'image') await palettesImage(more)
  else await colourBench(Number(first ?? 500))
  process.exit(0)
}
