import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../workers/images/open.ts'
import { inspect } from '../../../workers/ingest/inspect.ts'

const noise = (width: number, height: number) =>
  sharp(Buffer.from(Array.from({ length: width * height * 3 }, (_, n) => (n * 7919) & 255)), {
    raw: { width, height, channels: 3 },
  })
const codeOf = (bytes: Uint8Array, limits = defaultLimits) =>
  inspect(bytes, limits).then(
    () => 'taken',
    (error) => error.code,
  )

describe('an image, before it is taken', () => {
  it.each([
    ['jpeg', 'image/jpeg'],
    ['png', 'image/png'],
    ['webp', 'image/webp'],
    ['avif', 'image/avif'],
    ['gif', 'image/gif'],
    ['tiff', 'image/tiff'],
  ] as const)('an image in %s is inspected as %s', async (format, mimeType) => {
    expect(await inspect(await noise(40, 30).toFormat(format).toBuffer(), defaultLimits)).toMatchObject({
      mimeType,
      width: 40,
      height: 30,
    })
  })

  it('an inspected image has the size it is shown in', async () => {
    const turned = await noise(40, 30).withMetadata({ orientation: 6 }).jpeg().toBuffer()
    expect(await inspect(turned, defaultLimits)).toMatchObject({ width: 30, height: 40 })
    const svg = (attributes: string) =>
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><rect width="9" height="9"/></svg>`)
    expect(await inspect(svg('viewBox="0 0 120 80"'), defaultLimits)).toMatchObject({
      mimeType: 'image/svg+xml',
      width: 120,
      height: 80,
    })
    expect(await inspect(svg('width="24" height="12"'), defaultLimits)).toMatchObject({
      width: 24,
      height: 12,
    })
  })

  it('an inspected animation is one frame', async () => {
    const frames = await sharp(
      await Promise.all(
        ['red', 'blue'].map((background) =>
          sharp({ create: { width: 20, height: 10, channels: 3, background } })
            .png()
            .toBuffer(),
        ),
      ),
      { join: { animated: true } },
    )
      .gif()
      .toBuffer()
    expect(await inspect(frames, defaultLimits)).toMatchObject({ width: 20, height: 10 })
  })

  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'an image in %s that is cut short is unreadable',
    async (format) => {
      const whole = await noise(200, 150).toFormat(format).toBuffer()
      for (const share of [0.4, 0.9])
        expect(await codeOf(whole.subarray(0, Math.floor(whole.length * share)))).toBe('UNREADABLE_IMAGE')
    },
  )

  it('inspection refuses bytes that are no image', async () => {
    expect(await codeOf(Buffer.alloc(0))).toBe('EMPTY')
    expect(await codeOf(Buffer.from('Just a text that somebody has called image.jpg.\n'.repeat(20)))).toBe(
      'UNSUPPORTED_FORMAT',
    )
    expect(await codeOf(Buffer.from('<html><body>no image</body></html>'))).toBe('UNSUPPORTED_FORMAT')
    expect(await codeOf(Buffer.from('%PDF-1.7\n1 0 obj\n'))).toBe('UNSUPPORTED_FORMAT')
  })

  it("inspection refuses a camera's raw file, of which a TIFF reader sees the preview", async () => {
    /** A TIFF's directory of LONGs at an offset: [tag, value]. */
    const directory = (entries: [number, number][]) => {
      const bytes = Buffer.alloc(2 + entries.length * 12 + 4)
      bytes.writeUInt16LE(entries.length)
      for (const [n, [tag, value]] of entries.entries()) {
        bytes.writeUInt16LE(tag, 2 + n * 12)
        bytes.writeUInt16LE(4, 4 + n * 12)
        bytes.writeUInt32LE(1, 6 + n * 12)
        bytes.writeUInt32LE(value, 10 + n * 12)
      }
      return bytes
    }
    const header = Buffer.from('II*\0\x08\0\0\0', 'latin1')
    const dng = Buffer.concat([header, directory([[0xc612, 0x01040000]])])
    const preview = directory([[0x014a, 8 + 18]])
    const nef = Buffer.concat([header, preview, directory([[0x0106, 32803]])])
    for (const raw of [dng, nef]) expect(await codeOf(raw)).toBe('UNSUPPORTED_FORMAT')
    expect(await codeOf(await noise(9, 9).tiff().toBuffer())).toBe('taken')
  })

  it('inspection keeps to the limits', async () => {
    const png = await noise(100, 100).png().toBuffer()
    expect(await codeOf(png, { ...defaultLimits, pixels: 9_999 })).toBe('TOO_MANY_PIXELS')
    expect(await codeOf(png, { ...defaultLimits, bytes: png.length - 1 })).toBe('TOO_LARGE')
    expect(await codeOf(png, { ...defaultLimits, bytes: png.length, pixels: 10_000 })).toBe('taken')
    const huge = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>')
    expect(await codeOf(huge)).toBe('TOO_MANY_PIXELS')
  })

  it('inspection does not expand an XML bomb', async () => {
    const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`)
    const bomb = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "boom">${entities.join('')}]><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text>&e12;</text></svg>`
    const before = process.memoryUsage.rss()
    expect(await codeOf(Buffer.from(bomb))).toBe('INVALID')
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20)
  })

  it('inspection reads nothing of the machine into a drawing', async () => {
    const inner = await noise(8, 8).png().toBuffer()
    const path = `/tmp/limn-inspect-${process.pid}.png`
    await import('node:fs/promises').then(({ writeFile }) => writeFile(path, inner))
    const svg = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8"><image width="8" height="8" xlink:href="file://${path}"/></svg>`,
    )
    await inspect(svg, defaultLimits)
    const { data } = await sharp(svg).raw().toBuffer({ resolveWithObject: true })
    expect(data.every((value) => value === 0)).toBe(true)
    await import('node:fs/promises').then(({ rm }) => rm(path))
  })
})
