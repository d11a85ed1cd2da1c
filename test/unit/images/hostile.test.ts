/** Small files that ask a decoder for much: each is refused at once or decoded within bounds. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeRaster } from '../../../workers/images/decode-raster.ts'
import { defaultLimits, imageHeader } from '../../../workers/images/open.ts'
import {
  blankPng,
  manyFrameGif,
  manyFrameWebp,
  manyPageTiff,
  manyScanJpeg,
  manySegmentJpeg,
  pngChunk,
} from '../../support/hostile-images.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'limn-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))

const program = `
  import { readFileSync } from 'node:fs'
  import sharp from 'sharp'
  import { imageHeader } from ${JSON.stringify(path.resolve('workers/images/open.ts'))}
  import { rasterPipeline } from ${JSON.stringify(path.resolve('workers/images/raster-pipeline.ts'))}
  sharp.concurrency(1)
  sharp.cache(false)
  const bytes = readFileSync(process.argv[1])
  const limits = { bytes: 2 ** 25, pixels: 1e8, milliseconds: 10_000 }
  const before = process.cpuUsage()
  const decode = () => rasterPipeline(bytes, { ...limits, resize: { width: 224, height: 224 } }).toBuffer()
  const code = await imageHeader(bytes, limits).then(decode).then(() => null, (error) => error.code)
  const { user, system } = process.cpuUsage(before)
  const { maxRSS } = process.resourceUsage()
  console.log(JSON.stringify({ code, seconds: (user + system) / 1e6, megabytes: maxRSS / 1024 }))`

/** Decodes the file in a process of its own. Seconds of processor time: others may use the machine too. */
function decode(bytes: Uint8Array): { code: string | null; seconds: number; megabytes: number } {
  const file = path.join(folder, 'image')
  writeFileSync(file, bytes)
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program, file], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  return JSON.parse(stdout)
}

const side = 10_000
const text = (bytes: number) =>
  pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(bytes))]))

describe('hostile images', () => {
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, string | null]>([
    ['a PNG of 100,000,000 x 1', () => blankPng({ width: 1e8, height: 1 }), 'TOO_MANY_PIXELS'],
    ['a PNG of 1 x 100,000,000', () => blankPng({ width: 1, height: 1e8, colourType: 0 }), 'TOO_MANY_PIXELS'],
    ['a PNG of 65,500 x 1', () => blankPng({ width: 65_500, height: 1 }), null],
    [
      'an interlaced RGB PNG',
      () => blankPng({ width: side, height: side, interlaced: true }),
      'TOO_MANY_PIXELS',
    ],
    [
      'an interlaced PNG of 16 bits',
      () => blankPng({ width: side, height: side / 2, colourType: 6, bits: 16, interlaced: true }),
      'TOO_MANY_PIXELS',
    ],
    [
      'a PNG of 90,000 chunks',
      () =>
        blankPng({ width: 9, height: 9, chunks: Array(90_000).fill(pngChunk('tEXt', Buffer.from('a\0b'))) }),
      null,
    ],
    [
      'a PNG of two million chunks',
      () => blankPng({ width: 9, height: 9, chunks: Array(2e6).fill(pngChunk('tEXt', new Uint8Array())) }),
      'INVALID',
    ],
    ['a JPEG of 90,000 segments', () => manySegmentJpeg(90_000), null],
    ['a JPEG of five million segments', () => manySegmentJpeg(5e6), 'INVALID'],
    ['a PNG with a text of a gigabyte', () => blankPng({ width: 9, height: 9, chunks: [text(1e9)] }), null],
    [
      'a PNG of a thousand texts',
      () => blankPng({ width: 9, height: 9, chunks: Array(1000).fill(text(7e6)) }),
      'INVALID',
    ],
    ['a TIFF of 100,000 pages', () => manyPageTiff(100_000), null],
    ['a GIF of 500,000 frames', () => manyFrameGif(1000, 500_000), null],
    ['a WebP of 300,000 frames', () => manyFrameWebp(2000, 300_000), null],
    ['a JPEG of 800 scans', () => manyScanJpeg(9900, 800), 'INVALID'],
    ['a small JPEG of 880 scans', () => manyScanJpeg(1000, 880), null],
  ])(
    '%s costs less than 2 s and 600 MB',
    async (_, make, code) => {
      const result = decode(await make())
      expect(result.code).toBe(code)
      expect(result.seconds).toBeLessThan(2)
      expect(result.megabytes).toBeLessThan(600)
    },
    120_000,
  )

  it('a side or a memory past its limit is named with the limit', async () => {
    const message = (bytes: Uint8Array) => imageHeader(bytes, defaultLimits).catch((error) => error.message)
    expect(await message(blankPng({ width: 70_000, height: 1 }))).toBe(
      'The image has 70000 x 1 pixels; the limit is 65535 a side. Send a smaller version.',
    )
    expect(await message(blankPng({ width: side, height: side, interlaced: true }))).toBe(
      'The image takes 600 MB of memory to decode; the limit is 500 MB. Send a smaller version.',
    )
  }, 60_000)

  it('the first page and the first frame have the pixels that they have alone', async () => {
    const frames = [0, 1, 2].map((n) => ({
      create: { width: 9, height: 9, channels: 3 as const, background: `rgb(${n * 90},9,9)` },
    }))
    const images = await Promise.all(frames.map((frame) => sharp(frame).png().toBuffer()))
    for (const format of ['tiff', 'webp', 'gif'] as const) {
      const bytes = await sharp(images, { join: { animated: true } })
        .toFormat(format)
        .toBuffer()
      expect((await sharp(bytes).metadata()).pages).toBe(3)
      const [first, alone] = await Promise.all([
        decodeRaster(bytes, defaultLimits),
        sharp(bytes, { page: 0 }).raw().toBuffer(),
      ])
      expect(Buffer.from(first.data)).toEqual(alone)
    }
  })

  it('an animated WebP that is cut short in a later frame is unreadable', async () => {
    const bytes = await manyFrameWebp(20, 9)
    await expect(imageHeader(bytes, defaultLimits)).resolves.toMatchObject({ width: 20 })
    await expect(imageHeader(bytes.subarray(0, -9), defaultLimits)).rejects.toMatchObject({
      code: 'UNREADABLE_IMAGE',
    })
  })
})
