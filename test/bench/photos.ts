/** Images of the size and weight of photographs: soft light, shapes, grain. The same ones every time. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { uniform } from '../../workers/random.ts'
import { store } from './tools.ts'

const width = 1200
const height = 800

/** JPEG files of 1200 x 800 at quality 85, about 200 KB each. Drawn once, then read from the disk. */
export async function photos(count: number): Promise<Buffer[]> {
  const folder = path.join(store, `photos-${count}`)
  if (!existsSync(folder)) {
    mkdirSync(`${folder}.draft`, { recursive: true })
    for (const [n, file] of (await drawn(count)).entries())
      writeFileSync(path.join(`${folder}.draft`, `${String(n).padStart(4, '0')}.jpg`), file)
    renameSync(`${folder}.draft`, folder)
  }
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(path.join(folder, file)))
}

async function drawn(count: number): Promise<Buffer[]> {
  const grains = await Promise.all(Array.from({ length: 4 }, (_, n) => grain(uniform(n + 1))))
  const files: Buffer[] = []
  for (let n = 0; n < count; n++) files.push(await photo(uniform(1000 + n), grains[n % grains.length]!))
  return files
}

async function photo(random: () => number, noise: Buffer): Promise<Buffer> {
  const light = Buffer.from(Array.from({ length: 12 * 8 * 3 }, () => 40 + random() * 180))
  return sharp(light, { raw: { width: 12, height: 8, channels: 3 } })
    .resize(width, height, { kernel: 'cubic' })
    .composite([{ input: shapes(random) }, { input: noise, blend: 'overlay' }])
    .removeAlpha()
    .jpeg({ quality: 85 })
    .toBuffer()
}

function shapes(random: () => number): Buffer {
  const number = (least: number, most: number) => Math.round(least + random() * (most - least))
  const drawn = Array.from({ length: 14 }, () => {
    const colour = `hsl(${number(0, 360)} ${number(20, 80)}% ${number(15, 85)}%)`
    return `<ellipse cx="${number(0, width)}" cy="${number(0, height)}" rx="${number(20, 220)}" ry="${number(20, 160)}" fill="${colour}" opacity="0.7"/>`
  })
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${drawn.join('')}</svg>`,
  )
}

/** Grey noise around the middle, which `overlay` leaves as it is. */
async function grain(random: () => number): Promise<Buffer> {
  const data = Buffer.from(Array.from({ length: width * height }, () => 128 + (random() - 0.5) * 62))
  return sharp(data, { raw: { width, height, channels: 1 } })
    .blur(0.6)
    .png({ compressionLevel: 1 })
    .toBuffer()
}
