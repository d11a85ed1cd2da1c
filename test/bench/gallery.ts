/**
 * Twenty prompts by each generator with the bundled model: does the run raise the similarity to its prompt, and is the
 * result closer to it than the images of the sample library? Prints a table and writes the gallery of docs/guidance.md.
 * `npx node test/bench/gallery.ts [GENERATOR]...`; `npx node test/bench/gallery.ts parts` draws the page's first image.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import type { GeneratorName } from '../../workers/drawing/generators/index.ts'
import { dot, drawings } from './drawings.ts'

const prompts = [
  ...['red heart', 'house', 'sun', 'fish', 'tree', 'star', 'flower', 'apple', 'moon', 'cloud'],
  ...[
    'umbrella',
    'rocket',
    'cat',
    'cup of coffee',
    'mountain',
    'butterfly',
    'car',
    'mushroom',
    'ice cream',
    'eye',
  ],
]
/** For each drawing of test/fixtures/svg, what it is to become. */
const recolourings = ['red', 'green', 'blue', 'yellow', 'purple']
const palette = ['#e63946', '#2a9d8f', '#264653', '#f4d35e', '#7b2cbf']

export async function galleryBench(
  generators: readonly GeneratorName[] = ['SHAPES', 'STROKES', 'PIXELS', 'RECOLOUR'],
): Promise<void> {
  await using draw = await drawings()
  const samples = path.resolve('workers/ingest/samples')
  const library = await draw.vectors(
    globSync('*.webp', { cwd: samples }).map((file) => ({ image: readFileSync(path.join(samples, file)) })),
  )
  for (const generator of generators) {
    const tiles: { image: Buffer; prompt: string }[] = []
    let [raised, above, worst] = [0, 0, 1]
    const svgs = globSync('test/fixtures/svg/*.svg').sort()
    for (const [i, name] of prompts.entries()) {
      const recolour = generator === 'RECOLOUR'
      const file = svgs[i]!
      const prompt = recolour
        ? `${recolourings[i % 5]} ${path
            .basename(file, '.svg')
            .replace(/^(twemoji|fluent-emoji-flat|flat-color-icons)-/, '')
            .replaceAll('-', ' ')}`
        : name
      const start = recolour ? readFileSync(file) : null
      const { row, first, last } = await draw.run({
        generator,
        prompt,
        start,
        ...(recolour ? { palette, steps: 60 } : { elements: 14, steps: 250 }),
      })
      const [target] = await draw.vectors([{ text: prompt }])
      const share = library.filter((vector) => dot(vector, target!) < last).length / library.length
      // Of a drawing that is recoloured, the original is the beginning.
      const [before] = start ? await draw.vectors([{ image: start }]) : [null]
      const from = before ? dot(before, target!) : first
      raised += +(last > from)
      above += +(share >= 0.95)
      worst = Math.min(worst, share)
      console.log(
        `${generator} "${prompt}": ${from.toFixed(3)} -> ${last.toFixed(3)}, above ${(100 * share).toFixed(1)} % of the library`,
      )
      const image = sharp(row.preview!).resize(160, 160, { fit: 'contain', background: '#fff' })
      tiles.push({ prompt, image: await image.png().toBuffer() })
    }
    console.log(
      `${generator}: raised ${raised} of ${prompts.length}, above 95 % of the library ${above} of ${prompts.length}, worst ${(100 * worst).toFixed(1)} %`,
    )
    await sheet(tiles, path.resolve('docs', 'images', `${generator.toLowerCase()}.png`))
  }
}

/** The image that docs/guidance.md begins with: four things, where one is seen, the gradient, and some steps later. */
export async function partsImage(prompt = 'airplane', things = ['crab', 'airplane']): Promise<void> {
  await using draw = await drawings()
  const part = 128
  const files = await Promise.all(
    things.map((name) =>
      sharp(path.resolve('workers/ingest/samples', `fluent-emoji-flat-${name}.webp`))
        .resize(part - 16, part - 16)
        .png()
        .toBuffer(),
    ),
  )
  const create = { width: 2 * part, height: 2 * part, channels: 3 as const, background: '#ffffff' }
  const image = await sharp({ create })
    .composite(files.map((input, i) => ({ input, left: (1 - i) * part + 8, top: i * part + 8 })))
    .png()
    .toBuffer()
  const [target] = await draw.vectors([{ text: prompt }])
  const asked = { prompts: [{ vector: target!, weight: 1 }], loss: 'SPHERICAL' as const, cutouts: 0, seed: 0 }
  const nothing = { gradient: false, heatmaps: [], steps: [] }
  const heatmaps = [{ columns: 32, rows: 32, overlay: true }]
  const seen = await draw.guide.guide(draw.spec, {
    ...asked,
    ...nothing,
    image: image,
    gradient: true,
    heatmaps,
  })
  let stepped: Uint8Array = image
  for (let seed = 0; seed < 25; seed++) {
    const { steps } = await draw.guide.guide(draw.spec, {
      ...asked,
      ...nothing,
      image: stepped,
      cutouts: 8,
      seed,
      steps: [0.03],
    })
    stepped = steps[0]!
  }
  const most = seen.gradient!.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
  const shades = Buffer.from(Uint8ClampedArray.from(seen.gradient!, (v) => 128 - (400 * v) / most).buffer)
  const gradient = await sharp(shades, { raw: { width: 2 * part, height: 2 * part, channels: 3 } })
    .png()
    .toBuffer()
  const tiles = [
    { prompt: 'the image', image },
    { prompt: `heatmap: "${prompt}"`, image: Buffer.from(seen.heatmaps[0]!.overlay!) },
    { prompt: 'gradient', image: gradient },
    { prompt: '25 steps with cutouts', image: Buffer.from(stepped) },
  ]
  await sheet(tiles, path.resolve('docs/images/parts.png'), { columns: 4, size: 256 })
}

/** Each image over its prompt. */
async function sheet(
  tiles: { image: Buffer; prompt: string }[],
  file: string,
  { columns, size } = { columns: 7, size: 160 },
): Promise<void> {
  const line = 24
  const [wide, high] = [size + 12, size + line + 8]
  const rows = Math.ceil(tiles.length / columns)
  const create = {
    width: columns * wide + 12,
    height: rows * high + 8,
    channels: 3 as const,
    background: '#ffffff',
  }
  const label = (text: string) =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${line}"><text x="${size / 2}" y="16" font-family="sans-serif" font-size="13" text-anchor="middle" fill="#333">${text}</text></svg>`,
    )
  await sharp({ create })
    .composite(
      tiles.flatMap(({ image, prompt }, i) => {
        const [left, top] = [12 + (i % columns) * wide, 8 + Math.floor(i / columns) * high]
        return [
          { input: image, left, top },
          { input: label(prompt), left, top: top + size },
        ]
      }),
    )
    .png({ palette: true })
    .toFile(file)
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  if (asked[0] === 'parts') await partsImage(...(asked[1] ? [asked[1]] : []))
  else await galleryBench(asked.length > 0 ? (asked as GeneratorName[]) : undefined)
  process.exit(0)
}
