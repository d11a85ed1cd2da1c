import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { normalisationTable, normaliseInto } from '../../../workers/images/normalise.ts'
import { decodePixels } from '../../../workers/images/preprocess.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/pixels/', import.meta.url))
const limits = { bytes: 2 ** 20, pixels: 1_000_000, milliseconds: 10_000 }

function spec(size: number, fit: ImageSpec['fit'] = 'cover'): ImageSpec {
  return {
    width: size,
    height: size,
    fit,
    resizeTo: size,
    filter: 'bicubic',
    rescale: 1 / 255,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  }
}

const images = readdirSync(fixtures).filter((file) => /^[\w-]+\.(?!py$)\w+$/.test(file))

describe('large JPEGs', () => {
  // Drawings with sharp edges on white: more of the highest frequencies than photographs have.
  const sheet = fileURLToPath(new URL('../../../workers/models/limn-icons/sheet.png', import.meta.url))
  const large = { ...limits, bytes: 2 ** 24, pixels: 10_000_000 }
  const lineDrawing = (width: number, height = width) => sharp(sheet).resize(width, height, { fit: 'cover' })
  const agreement = async (spec: ImageSpec, ...files: [shrunk: Buffer, whole: Buffer]) => {
    const [shrunk, whole] = await Promise.all(files.map((bytes) => decodePixels(bytes, spec, large)))
    return cosine(shrunk!, whole!)
  }

  test.each([2.2, 3.2, 3.6, 4.5, 5, 7, 8.4, 9, 14, 17, 20])(
    'a JPEG shrunk to a %dth while it decodes equals the whole image resized',
    async (factor) => {
      const size = Math.round(100 * factor)
      const jpeg = await lineDrawing(Math.round(size * 1.3), size)
        .jpeg({ quality: 90 })
        .toBuffer()
      // The same pixels in a format that does not shrink while it decodes.
      const png = await sharp(jpeg).png().toBuffer()
      expect(await agreement(spec(100), jpeg, png)).toBeGreaterThan(0.9965)
    },
  )

  const kinds: Partial<ImageSpec>[] = [
    { filter: 'bilinear' },
    { filter: 'lanczos' },
    // libvips lacks these filters, so they work on the whole image.
    { filter: 'box' },
    { filter: 'hamming' },
    { filter: 'nearest' },
    { fit: 'squash', width: 80 },
    // The crop reaches beyond the image.
    { resizeTo: 90 },
  ]
  test.each(kinds)('a large JPEG equals the whole image resized with %o', async (kind) => {
    const jpeg = await lineDrawing(640, 480).jpeg({ quality: 90 }).toBuffer()
    const png = await sharp(jpeg).png().toBuffer()
    expect(await agreement({ ...spec(100), ...kind }, jpeg, png)).toBeGreaterThan(0.9965)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'a large JPEG with EXIF orientation %d stands upright',
    async (orientation) => {
      const jpeg = await lineDrawing(640, 450).withMetadata({ orientation }).jpeg({ quality: 90 }).toBuffer()
      const png = await sharp(jpeg).autoOrient().png().toBuffer()
      expect(await agreement(spec(100), jpeg, png)).toBeGreaterThan(0.9965)
    },
  )

  test('large JPEGs in grey and in CMYK equal the whole image resized', async () => {
    const grey = await lineDrawing(640).greyscale().jpeg({ quality: 90 }).toBuffer()
    expect(await agreement(spec(100), grey, await sharp(grey).png().toBuffer())).toBeGreaterThan(0.9965)
    const inks = await lineDrawing(640).toColourspace('cmyk').jpeg({ quality: 90 }).toBuffer()
    expect((await sharp(inks).metadata()).space).toBe('cmyk')
    const whole = await sharp(inks).pipelineColourspace('cmyk').toColourspace('cmyk').tiff().toBuffer()
    expect(await agreement(spec(100), inks, whole)).toBeGreaterThan(0.9965)
  })
})

describe('the pixels of Pillow', () => {
  test('the fixtures hold every kind of image', () => expect(images.length).toBeGreaterThanOrEqual(34))

  for (const file of images)
    test.each(['cover', 'squash'] as const)(
      `the pixels of ${file} with fit %s equal Pillow's`,
      async (fit) => {
        const [pixels, expected] = await Promise.all([
          decodePixels(readFileSync(fixtures + file), spec(32, fit), limits),
          sharp(`${fixtures + file}.${fit}.png`)
            .removeAlpha()
            .raw()
            .toBuffer(),
        ])
        // libvips shrinks the large JPEG; all others are equal to the last bit.
        if (file === 'large.jpg') expect(cosine(pixels, expected)).toBeGreaterThan(0.9995)
        else expect(Buffer.compare(pixels, expected)).toBe(0)
      },
    )
})

describe('SVGs', () => {
  const svg = (inner: string, attributes = 'width="24" height="24"') =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inner}</svg>`)
  const pixelAt = (pixels: Uint8Array, x: number, y: number) => [
    ...pixels.subarray((y * 64 + x) * 3).subarray(0, 3),
  ]

  test.each(['width="2" height="2"', 'width="3000" height="3000" viewBox="0 0 2 2"', 'viewBox="0 0 2 2"'])(
    'an SVG of %s is rendered at the size of the encoder input',
    async (size) => {
      const pixels = await decodePixels(
        svg(`<rect x="1" width="1" height="2" fill="#00f"/>`, size),
        spec(64),
        { ...limits, pixels: 1e8 },
      )
      expect(pixelAt(pixels, 31, 20)).toEqual([255, 255, 255])
      expect(pixelAt(pixels, 32, 20)).toEqual([0, 0, 255])
    },
  )

  test('an SVG reads neither files nor addresses', async () => {
    let requests = 0
    const server = createServer((_, response) => {
      requests++
      response.end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      for (const href of [`file://${fixtures}exact.png`, `${fixtures}exact.png`, `${address}/a.png`]) {
        const linked = svg(
          `<style>@import url(${address}/a.css);</style><image href="${href}" width="24" height="24"/>`,
        )
        expect(pixelAt(await decodePixels(linked, spec(64), limits), 30, 30)).toEqual([255, 255, 255])
      }
      const entity = Buffer.from(
        `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>${svg('<text y="20">&x;</text>')}`,
      )
      await expect(decodePixels(entity, spec(64), limits)).rejects.toMatchObject({ code: expect.any(String) })
      expect(requests).toBe(0)
    } finally {
      server.close()
    }
  })

  test('an SVG whose entities multiply is refused', async () => {
    const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`)
    const bomb = `<!DOCTYPE svg [<!ENTITY e0 "aaaaaaaaaa">${entities.join('')}]>${svg('<text>&e9;</text>')}`
    await expect(decodePixels(Buffer.from(bomb), spec(64), limits)).rejects.toMatchObject({
      code: 'INVALID',
    })
  })
})

describe('images that cannot be used', () => {
  const noise = Uint8Array.from({ length: 120 * 120 * 3 }, (_, i) => (i * 7919 * (i % 251)) & 255)
  const image = () => sharp(noise, { raw: { width: 120, height: 120, channels: 3 } })
  const code = (bytes: Uint8Array, bounds = limits) =>
    decodePixels(bytes, spec(32), bounds).then(
      () => 'decoded',
      (error) => error.code,
    )

  test.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'a %s that is cut short is unreadable',
    async (format) => {
      const whole = await image().toFormat(format).toBuffer()
      expect(await code(whole)).toBe('decoded')
      for (const part of [0.3, 0.6, 0.95])
        expect(await code(whole.subarray(0, Math.floor(whole.length * part)))).toBe('UNREADABLE_IMAGE')
    },
  )

  test('an image without bytes, of another format or past a limit has its code', async () => {
    expect(await code(new Uint8Array())).toBe('EMPTY')
    expect(await code(Buffer.from('a text named .jpg'))).toBe('UNSUPPORTED_FORMAT')
    expect(await code(Buffer.from('%PDF-1.4\n1 0 obj'))).toBe('UNSUPPORTED_FORMAT')
    expect(await code(Buffer.alloc(500))).toBe('UNSUPPORTED_FORMAT')
    const png = await image().png().toBuffer()
    expect(await code(png, { ...limits, bytes: png.length - 1 })).toBe('TOO_LARGE')
    expect(await code(png, { ...limits, pixels: 120 * 120 - 1 })).toBe('TOO_MANY_PIXELS')
    expect(await code(png, { ...limits, bytes: png.length, pixels: 120 * 120 })).toBe('decoded')
  })

  test('an image with a giant size in its header is refused before anything is decoded', async () => {
    const png = await image().png().toBuffer()
    png.writeUInt32BE(60_000, 16)
    png.writeUInt32BE(60_000, 20)
    png.writeUInt32BE(crc(png.subarray(12, 29)), 29)
    expect(await code(png)).toBe('TOO_MANY_PIXELS')
  })
})

test('normalisation gives (pixel * rescale - mean) / std, channels first', () => {
  const out = new Float32Array(1 + 6).fill(9)
  const table = normalisationTable({ ...spec(1), mean: [0, 0.5, 0.25], std: [1, 0.5, 0.25] })
  normaliseInto(out, 1, Uint8Array.of(255, 0, 51, 0, 255, 255), table)
  const expected = [9, 1, 0, -1, 1, -0.2, 3]
  for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 6)
})

function cosine(a: Uint8Array, b: Uint8Array): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - 127.5, b[i]! - 127.5]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return ab / Math.sqrt(aa * bb)
}

/** PNG's checksum (CRC-32). */
function crc(bytes: Uint8Array): number {
  let value = ~0
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return ~value >>> 0
}
