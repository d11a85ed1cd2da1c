/** The images and prompts that judge variants: images spread over the sample library, and their titles. */
import { readFile } from 'node:fs/promises'

export interface CalibrationSet {
  images: Uint8Array[]
  prompts: string[]
}

const samples = new URL('../ingest/samples/', import.meta.url)
const references = new URL('../encode/verification/images/', import.meta.url)
const photographs = ['landscape.png', 'heart.png', 'house.png', 'star-transparent.png']

export async function calibrationSet(images = 120, prompts = 40): Promise<CalibrationSet> {
  const manifest: { file: string; title: string }[] = JSON.parse(
    await readFile(new URL('manifest.json', samples), 'utf8'),
  )
  const spread = (count: number) =>
    Array.from({ length: count }, (_, i) => manifest[Math.floor((i * manifest.length) / count)]!)
  const files = [
    ...photographs.map((file) => new URL(file, references)),
    ...spread(images).map(({ file }) => new URL(file, samples)),
  ]
  return {
    images: await Promise.all(files.map((file) => readFile(file))),
    prompts: spread(prompts).map(({ title }, i) =>
      i % 2 ? title.toLowerCase() : `a picture of ${title.toLowerCase()}`,
    ),
  }
}
