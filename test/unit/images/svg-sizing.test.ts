/** SVGs in every kind of size are whole at every scale; where Chromium is installed, as it shows them. */
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { defaultLimits, imageHeader } from '../../../workers/images/open.ts'
import { decodePixels } from '../../../workers/images/preprocess.ts'
import { imageProcess } from '../../../workers/images/process/image-process.ts'
import { chromiumFlags, chromiumPath } from '../../support/chromium.ts'

const encoder: ImageSpec = {
  width: 224,
  height: 224,
  fit: 'squash',
  resizeTo: 224,
  filter: 'bicubic',
  rescale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}

const disc = '<circle cx="300" cy="300" r="90" fill="red"/>'
const svg = (attributes: string, inner = disc) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inner}</svg>`)

/** Roots of a drawing that is 400 x 400 pixels. */
const sizes = [
  'width="400" height="400"',
  'width="400px" height="400px"',
  'width="300pt" height="300pt"',
  'width="25pc" height="25pc"',
  'width="105.8333mm" height="105.8333mm"',
  'width="10.58333cm" height="10.58333cm"',
  'width="423.333q" height="423.333Q"',
  'width="4.1666667in" height="4.1666667in"',
  'width="25em" height="25em"',
  'width="20em" height="20em" font-size="20"',
  'width="25rem" height="4e2"',
] as const
/** As SVG 2, librsvg and Firefox have it; Chromium's images take their size from attributes alone. */
const styled = [
  'style="width:300pt;height:400px"',
  'width="7" style="width: 400px; fill: blue" height="400"',
] as const
const views = ['', 'viewBox="0 0 400 400"', 'viewBox="0,0,400,400" preserveAspectRatio="none"']

/** Other drawings, with the size that Chromium gives them, or null where it has none of its own. */
const others: [attributes: string, size: [number, number] | null, inner?: string][] = [
  ['width="200" viewBox="0 0 400 400"', [200, 200]],
  ['height="150pt" viewBox="0 0 400 400"', [200, 200]],
  ['width="200" height="100%" viewBox="0 0 400 400"', [200, 200]],
  ['width="100%" height="100%" viewBox="0 0 400 400"', null],
  ['width="50%" viewBox="0 0 400 400"', null],
  ['viewBox="0 0 400 400"', null],
  ['viewBox="100 100 300 300"', null],
  ['width="300pt" height="150pt" viewBox="0 0 400 400"', [400, 200]],
  ['width="300pt" height="150pt" viewBox="0 0 400 400" preserveAspectRatio="xMaxYMid slice"', [400, 200]],
  ['width="10cm" height="5cm" viewBox="0 0 400 400" preserveAspectRatio="xMinYMin"', [378, 189]],
  ['width="10cm" height="5cm" viewBox="0 0 400 400" preserveAspectRatio="none"', [378, 189]],
  [
    'width="300pt" height="300pt"',
    [400, 400],
    '<svg x="50%" y="50%" width="50%" height="50%" viewBox="0 0 10 10"><rect width="5" height="10" fill="red"/></svg>',
  ],
  [
    'width="300pt" height="300pt"',
    [400, 400],
    '<svg x="1in" y="1in" width="2in" height="72pt"><rect width="100%" height="50%" fill="red"/></svg>',
  ],
  [
    'width="80mm" height="60mm" viewBox="0 0 80 60"',
    [302, 227],
    '<rect x="20%" y="20%" width="50%" height="30" fill="red"/>',
  ],
  [
    'width="400" height="400" viewBox="0 0 400 400"',
    [400, 400],
    '<rect x="1in" y="72pt" width="50mm" height="10pc" fill="red"/>',
  ],
  [
    'width="10em" height="10em" font-size="30pt"',
    [400, 400],
    '<rect x="1em" y="1em" width="5em" height="50%" fill="red"/>',
  ],
  ['', [300, 150], '<rect x="25%" y="25%" width="50%" height="50%" fill="red"/>'],
  ['width="100%" height="100%"', [300, 150], '<circle cx="50%" cy="50%" r="20%" fill="red"/>'],
  ['width="400"', [400, 150], '<rect x="25%" y="25%" width="50%" height="50%" fill="red"/>'],
]

/** What shows of a drawing: red's share of the image, and the centre and spread of its place, in shares of the sides. */
type Look = [share: number, x: number, y: number, dx: number, dy: number]

function look(data: Uint8Array, width: number, height: number, channels: number): Look {
  const sums = [0, 0, 0, 0, 0]
  for (let p = 0; p < width * height; p++) {
    const [r, g] = [data[p * channels]!, data[p * channels + 1]!]
    const alpha = channels === 4 ? data[p * channels + 3]! / 255 : 1
    const weight = r > 127 ? (1 - g / 255) * alpha : 0
    const [x, y] = [((p % width) + 0.5) / width, (Math.floor(p / width) + 0.5) / height]
    for (const [i, term] of [1, x, y, x * x, y * y].entries()) sums[i]! += weight * term
  }
  const [share, x, y, xx, yy] = sums as Look
  if (share === 0) return [0, 0, 0, 0, 0]
  const spread = (square: number, mean: number) =>
    Math.sqrt(Math.max(0, square / share - (mean / share) ** 2))
  return [share / (width * height), x / share, y / share, spread(xx, x), spread(yy, y)]
}

/** Greatest difference of any of them. */
const difference = (a: Look, b: Look) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

async function thumbnail(bytes: Uint8Array, size: number): Promise<Look> {
  const { width, height } = await imageHeader(bytes, defaultLimits)
  const scale = size / Math.max(width, height)
  const resize = { width: size, height: size, fit: 'inside' } as const
  const { data, ...info } = await imageProcess.svg(bytes, { ...defaultLimits, scale, resize })
  expect(Math.max(info.width, info.height)).toBe(size)
  return look(data, info.width, info.height, info.channels)
}

const encoded = async (bytes: Uint8Array) =>
  look(await decodePixels(bytes, encoder, defaultLimits), 224, 224, 3)

/** Widest gap that a pixel's rounding makes at 64 pixels. */
const tolerance = 0.02

describe.each([...sizes, ...styled])('an SVG of %s', (size) => {
  it.each(views)('is 400 x 400 and whole with %j', async (view) => {
    const bytes = svg(`${size} ${view}`)
    expect(await imageHeader(bytes, defaultLimits)).toMatchObject({ width: 400, height: 400 })
    const right: Look = [Math.PI * 0.225 ** 2, 0.75, 0.75, 0.1125, 0.1125]
    for (const edge of [64, 128, 320, 1024])
      expect(difference(await thumbnail(bytes, edge), right)).toBeLessThan(tolerance)
    expect(difference(await encoded(bytes), right)).toBeLessThan(tolerance)
  })
})

describe('an SVG without a size', () => {
  it.each(['', 'width="100%" height="100%"', 'style="width:auto"'])(
    'an SVG of %j ends where its ink does',
    async (attributes) => {
      const bytes = svg(attributes)
      expect(await imageHeader(bytes, defaultLimits)).toMatchObject({ width: 390, height: 390 })
      const [share, x, y] = await encoded(bytes)
      expect(share).toBeCloseTo((Math.PI * 90 ** 2) / 390 ** 2, 2)
      expect([x, y]).toEqual([expect.closeTo(300 / 390, 2), expect.closeTo(300 / 390, 2)])
    },
  )

  it('a drawing has a side that is given, and its ink gives the other', async () => {
    expect(await imageHeader(svg('width="500"'), defaultLimits)).toMatchObject({ width: 500, height: 390 })
  })

  it('a style sheet does not change the size in which it is rendered', async () => {
    const sheet = `<style>svg { width: 70px; height: 100% }</style>${disc}`
    const plain = await encoded(svg('width="400" height="400"'))
    expect(difference(await encoded(svg('width="400" height="400"', sheet)), plain)).toBe(0)
  })
})

it('an SVG that is 1e9 wide has too many pixels, and is not called damaged', async () => {
  for (const size of ['width="1e9" height="5"', 'width="5" height="1e9"', 'viewBox="0 0 1e12 1e12"'])
    await expect(imageHeader(svg(size), defaultLimits)).rejects.toMatchObject({
      code: 'TOO_MANY_PIXELS',
      message: expect.stringMatching(/1000000000.* the limit is 100000000/),
    })
})

it('an SVG in UTF-16, or behind a document type that holds tags, is rendered', async () => {
  const text = `<?xml version="1.0" encoding="utf-16"?>${svg('width="300pt" height="300pt"')}`
  const little = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
  const doctype = `<!DOCTYPE svg [ <!-- <svg width="5"> ]> --> <?a ]> ?> <!ENTITY b "]>"> ]>${svg('width="300pt" height="300pt"')}`
  const plain = await encoded(svg('width="400" height="400"'))
  for (const bytes of [little, Buffer.from(little).swap16(), Buffer.from(doctype)])
    expect(difference(await encoded(bytes), plain)).toBe(0)
})

it('an SVG in UTF-16 is checked as any other', async () => {
  const bomb = `<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>${svg('')}`
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(bomb, 'utf16le')])
  await expect(imageHeader(bytes, defaultLimits)).rejects.toMatchObject({ code: 'INVALID' })
})

describe.runIf(chromiumPath())('in Chromium', () => {
  let browser: import('puppeteer-core').Browser
  let page: import('puppeteer-core').Page

  beforeAll(async () => {
    const { default: puppeteer } = await import('puppeteer-core')
    browser = await puppeteer.launch({
      executablePath: chromiumPath()!,
      args: chromiumFlags,
      timeout: 60_000,
    })
    page = await browser.newPage()
    await page.setViewport({ width: 1100, height: 1100 })
  }, 120_000)
  afterAll(() => browser?.close())

  /** The drawing as an `<img>` of this size. */
  async function shown(
    bytes: Buffer,
    width: number,
    height: number,
  ): Promise<{ look: Look; size: number[] }> {
    await page.setContent(
      `<body style="margin:0"><img style="display:block;width:${width}px;height:${height}px" src="data:image/svg+xml;base64,${bytes.toString('base64')}">`,
    )
    const size = await page.$eval('img', async (img) => {
      const image = img as unknown as { decode(): Promise<void>; naturalWidth: number; naturalHeight: number }
      await image.decode()
      return [image.naturalWidth, image.naturalHeight]
    })
    const clip = { x: 0, y: 0, width, height }
    const { data, info } = await sharp(await page.screenshot({ clip }))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    return { look: look(data, info.width, info.height, 3), size }
  }

  const matrix: [attributes: string, size: [number, number] | null, inner?: string][] = [
    ...sizes.flatMap((size) =>
      views.map((view): [string, [number, number]] => [`${size} ${view}`, [400, 400]]),
    ),
    ...others,
  ]

  it.each(matrix)(
    'an SVG of %s has its size and look in the browser',
    async (attributes, size, inner) => {
      const bytes = svg(attributes, inner)
      const { width, height } = await imageHeader(bytes, defaultLimits)
      if (size) {
        expect([width, height]).toEqual(size)
        expect((await shown(bytes, width, height)).size).toEqual(size)
      }
      for (const edge of [64, 224, 1024]) {
        const scale = edge / Math.max(width, height)
        const browserLook = await shown(bytes, Math.round(width * scale), Math.round(height * scale))
        expect(difference(await thumbnail(bytes, edge), browserLook.look)).toBeLessThan(tolerance)
      }
      const scale = 224 / Math.min(width, height)
      const large = await shown(bytes, Math.round(width * scale), Math.round(height * scale))
      expect(difference(await encoded(bytes), large.look)).toBeLessThan(tolerance)
    },
    60_000,
  )
})
