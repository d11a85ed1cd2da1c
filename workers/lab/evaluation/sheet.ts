import sharp from 'sharp'
import { type HeldImage, png } from './holdouts.ts'

const cell = 76
const label = 230

/** Draws each request with its images beside it, in two columns. */
export async function contactSheet(
  rows: { request: string; images: HeldImage[] }[],
  file: string,
): Promise<void> {
  const half = Math.ceil(rows.length / 2)
  const across = Math.max(...rows.map(({ images }) => images.length))
  const column = label + across * cell + 24
  const parts = await Promise.all(
    rows.flatMap(({ images }, at) =>
      images.map(async (image, k) => ({
        input: await png(image),
        left: (at < half ? 0 : column) + label + k * cell + 6,
        top: (at % half) * cell + 6,
      })),
    ),
  )
  const words = rows
    .map(
      ({ request }, at) =>
        `<text x="${(at < half ? 0 : column) + label - 12}" y="${(at % half) * cell + 43}" text-anchor="end">${request}</text>`,
    )
    .join('')
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${column * 2}" height="${half * cell}" font-family="sans-serif" font-size="16" fill="#222">${words}</svg>`
  await sharp({ create: { width: column * 2, height: half * cell, channels: 3, background: '#fff' } })
    .composite([...parts, { input: Buffer.from(text), left: 0, top: 0 }])
    .png({ palette: true })
    .toFile(file)
}
