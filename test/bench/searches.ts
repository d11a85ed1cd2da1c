/**
 * What the bundled model finds in the sample library: draws docs/images/search.png (five searches) and docs/images/requests.png (the
 * first three images for twenty plain requests), and says for how many of forty requests a fitting image comes first
 * or among the first three, beside a word match on titles. `npx node test/bench/searches.ts`
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { plain } from '../../workers/lab/corpus/names.ts'
import { plainRequests, wordMatch } from '../../workers/lab/evaluation/requests.ts'
import { dot, drawings } from './drawings.ts'

const searches = ['fast car', 'music', 'hot coffee', 'house', 'bicycle']
const requests = [
  ...['happy dog', 'send an email', 'rainy weather', 'a red heart', 'birthday party', 'take a photo'],
  ...['hot coffee', 'play music', 'go shopping', 'business growth', 'fresh flowers', 'healthy food'],
  ...['airplane travel', 'good night', 'scary monster', 'security lock', 'a bright idea', 'win a prize'],
  ...['read a book', 'ride a bike'],
]

const samples = path.resolve('workers/ingest/samples')
const manifest: { file: string; title: string }[] = JSON.parse(
  readFileSync(path.join(samples, 'manifest.json'), 'utf8'),
)

export async function drawSearches(): Promise<void> {
  await using draw = await drawings()
  const library = await draw.vectors(
    manifest.map(({ file }) => ({ image: readFileSync(path.join(samples, file)) })),
  )
  const first = async (prompt: string, count: number) => {
    const [target] = await draw.vectors([{ text: prompt }])
    const scores = library.map((vector) => dot(vector, target!))
    const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!)
    return order.slice(0, count).map((i) => manifest[i]!)
  }
  const rows = async (prompts: readonly string[], count: number) =>
    Promise.all(
      prompts.map(async (prompt) => ({
        prompt,
        files: (await first(prompt, count)).map(({ file }) => file),
      })),
    )
  await page(await rows(searches, 7), 1, 'docs/images/search.png')
  await page(await rows(requests, 3), 4, 'docs/images/requests.png')
  const titles = manifest.map(({ title }) => plain(title))
  for (const count of [1, 3]) {
    let [byModel, byWords] = [0, 0]
    for (const request of plainRequests()) {
      const found = await first(request.text, count)
      byModel += +found.some(({ title }) => request.fits(plain(title)))
      byWords += wordMatch(request, titles, count)
    }
    console.log(
      `plain requests with a fitting image among the first ${count}: ${byModel} of ${plainRequests().length}, by word match on titles ${byWords.toFixed(1)}`,
    )
  }
}

/** A line for each prompt: the words, then the images. */
async function page(
  lines: { prompt: string; files: string[] }[],
  columns: number,
  file: string,
): Promise<void> {
  const [cell, words] = [96, 165]
  const wide = words + lines[0]!.files.length * cell
  const rows = Math.ceil(lines.length / columns)
  const tiles = await Promise.all(
    lines.flatMap(({ prompt, files }, n) => {
      const [left, top] = [Math.floor(n / rows) * wide, (n % rows) * cell]
      const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${words}" height="${cell}"><text x="14" y="54" font-family="sans-serif" font-size="17" fill="#222">${prompt}</text></svg>`
      return [
        Promise.resolve({ input: Buffer.from(text), left, top }),
        ...files.map(async (name, i) => ({
          input: await sharp(path.join(samples, name))
            .resize(cell - 16, cell - 16, { fit: 'contain', background: '#fff' })
            .flatten({ background: '#fff' })
            .png()
            .toBuffer(),
          left: left + words + i * cell + 8,
          top: top + 8,
        })),
      ]
    }),
  )
  const create = { width: columns * wide, height: rows * cell, channels: 3 as const, background: '#ffffff' }
  await sharp({ create }).composite(tiles).png({ palette: true }).toFile(path.resolve(file))
}

if (import.meta.main) {
  await drawSearches()
  process.exit(0)
}
