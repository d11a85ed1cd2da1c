/**
 * Draws every training image and writes what train.py reads, into data/:
 * shapes.u8 (alpha, n × 64 × 64), colours.u8 (RGBA, n × 64 × 64 × 4), pictures.json (one row an image).
 * sets.json (licences and counts).
 */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import sharp from 'sharp'
import { drawings, sets } from './drawings.ts'
import { render } from './render.ts'
import { logoSets, setStyles } from './sets.ts'

const data = path.resolve(process.env.LIMN_LAB_DATA ?? path.join(import.meta.dirname, '../data'))
mkdirSync(data, { recursive: true })
const write = (file: string, value: unknown) => writeFileSync(path.join(data, file), JSON.stringify(value))
sharp.concurrency(1)
sharp.cache(false)

const list = sets()
const all = list.map(({ prefix }) => [prefix, drawings(prefix)] as const)
const total = all.reduce((sum, [, some]) => sum + some.length, 0)
let done = 0
const shapes = createWriteStream(path.join(data, 'shapes.u8'))
const colours = createWriteStream(path.join(data, 'colours.u8'))
const images: unknown[] = []
const counts = { shapes: 0, colours: 0 }
for (const [prefix, some] of all) {
  for (let at = 0; at < some.length; at += 64) {
    const chunk = some.slice(at, at + 64)
    const pixels = await Promise.all(chunk.map(({ svg }) => render(svg)))
    for (const [of, rgba] of pixels.entries()) {
      if (!rgba) continue
      const { base, icon, styles, coloured, categories, keywords } = chunk[of]!
      const file = coloured ? colours : shapes
      if (!file.write(coloured ? rgba : alpha(rgba)))
        await new Promise<void>((ready) => file.once('drain', () => ready()))
      images.push({
        ...{ set: prefix, icon, base, styles, coloured, categories, keywords },
        looks: setStyles[prefix] ?? (logoSets.has(prefix) ? ['logo'] : []),
        at: coloured ? counts.colours++ : counts.shapes++,
      })
    }
    done += chunk.length
    process.stderr.write(
      `\r${done} of ${total} images, ${Math.floor((100 * done) / total)} %  ${prefix.padEnd(30)}`,
    )
  }
}
process.stderr.write('\n')
await Promise.all([finished(shapes.end()), finished(colours.end())])
write('pictures.json', images)
console.log(`${images.length} images (${counts.shapes} shapes, ${counts.colours} in colours): ${data}`)

function alpha(rgba: Buffer): Buffer {
  const mask = Buffer.alloc(rgba.length / 4)
  for (let at = 0; at < mask.length; at++) mask[at] = rgba[at * 4 + 3]!
  return mask
}
