import sharp, { type Sharp } from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { familyOf } from '../../../workers/colour/families.ts'
import { difference, fromLab, hexOf, labOfHex, toLab } from '../../../workers/colour/oklab.ts'
import type { Palette } from '../../../workers/colour/palette.ts'
import { Palettes } from '../../../workers/colour/palettes.ts'
import { defaultLimits } from '../../../workers/images/open.ts'
import { expectedColours, madeDrawing } from '../../support/made-drawings.ts'

const palettes = new Palettes(defaultLimits)
afterAll(() => palettes.close())

const svg = (inner: string, size = 200) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">${inner}</svg>`)
const paper = '<rect width="100%" height="100%" fill="#fff"/>'
const hexes = ({ colours }: Palette) => colours.map(({ hex }) => hex)
const nearest = (palette: Palette, hex: string) =>
  Math.min(...hexes(palette).map((one) => difference(labOfHex(one), labOfHex(hex))))

describe('OKLab', () => {
  it('OKLab has the values of its author for red, green and blue, and goes back', () => {
    const known: [number, number, number, number[]][] = [
      [255, 0, 0, [0.628, 0.2249, 0.1258]],
      [0, 255, 0, [0.8664, -0.2339, 0.1795]],
      [0, 0, 255, [0.452, -0.0324, -0.3115]],
      [255, 255, 255, [1, 0, 0]],
    ]
    for (const [r, g, b, lab] of known) {
      toLab(r, g, b).forEach((value, axis) => {
        expect(value).toBeCloseTo(lab[axis]!, 3)
      })
      expect(fromLab(toLab(r, g, b))).toEqual([r, g, b])
    }
    expect(difference(toLab(0, 0, 0), toLab(255, 255, 255))).toBeCloseTo(100, 3)
  })

  it.each([
    ['#e63946', 'RED'],
    ['#f4a261', 'ORANGE'],
    ['#ffd700', 'YELLOW'],
    ['#2e8b57', 'GREEN'],
    ['#008080', 'TEAL'],
    ['#0a84ff', 'BLUE'],
    ['#663399', 'PURPLE'],
    ['#ff69b4', 'PINK'],
    ['#8b4513', 'BROWN'],
    ['#0a0a0a', 'BLACK'],
    ['#808080', 'GREY'],
    ['#fafafa', 'WHITE'],
  ])('the colour %s is called %s', (hex, family) => expect(familyOf(labOfHex(hex))).toBe(family))
})

describe('palettes', () => {
  it('palettes of made drawings hold their fills and nothing else', async () => {
    let [right, wanted, strange] = [0, 0, 0]
    for (let seed = 1; seed <= 40; seed++) {
      const drawing = await madeDrawing(seed)
      const file = Buffer.from(drawing.svg)
      // Every other one as a raster of its own size.
      const palette = await palettes.of(seed % 2 ? file : await sharp(file).png().toBuffer())
      for (const hex of expectedColours(drawing, 0.02)) {
        wanted++
        if (nearest(palette, hex) < 5) right++
      }
      const known = [...drawing.fills.map(({ hex }) => hex), drawing.ground ?? '#ffffff']
      for (const hex of hexes(palette))
        if (known.every((one) => difference(labOfHex(one), labOfHex(hex)) >= 5)) strange++
    }
    expect(wanted).toBeGreaterThan(80)
    expect(right / wanted).toBeGreaterThan(0.95)
    expect(strange).toBeLessThan(3)
  })

  it('palettes give fills to the last bit, and shares of what is drawn', async () => {
    const palette = await palettes.of(
      svg(
        `${paper}<rect x="20" y="20" width="80" height="160" fill="#0a84ff"/><rect x="100" y="20" width="80" height="160" fill="#e63946"/>`,
      ),
    )
    expect(hexes(palette).sort()).toEqual(['#0a84ff', '#e63946'])
    for (const { share } of palette.colours) expect(share).toBeCloseTo(0.5, 1)
    expect(palette.colours.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(palette.ground).toMatchObject({ kind: 'WHITE' })
    expect(palette.ground!.share).toBeCloseTo(1 - (160 * 160) / (200 * 200), 2)
  })

  it('palettes set transparency apart', async () => {
    const palette = await palettes.of(svg('<circle cx="100" cy="100" r="50" fill="#2a9d8f"/>'))
    expect(hexes(palette)).toEqual(['#2a9d8f'])
    expect(palette.ground!.kind).toBe('TRANSPARENT')
    expect(palette.ground!.share).toBeCloseTo(1 - (Math.PI * 50 ** 2) / 200 ** 2, 2)
  })

  it('palettes count white as a colour where it is drawn on something else', async () => {
    const white = '<circle cx="100" cy="100" r="50" fill="#fff"/>'
    expect(await palettes.of(svg(white))).toMatchObject({
      ground: { kind: 'TRANSPARENT' },
      colours: [{ hex: '#ffffff' }],
    })
    const onBlue = await palettes.of(svg(`<rect width="100%" height="100%" fill="#003366"/>${white}`))
    expect(onBlue.ground).toBeNull()
    expect(hexes(onBlue)).toEqual(['#003366', '#ffffff'])
  })

  it('palettes take the edges between two colours for neither a third one nor many', async () => {
    const lines = Array.from(
      { length: 12 },
      (_, n) => `<path d="M0 ${n * 17}L200 ${n * 17 + 31}" stroke="#ffcc00" stroke-width="5"/>`,
    )
    const palette = await palettes.of(
      svg(`<rect width="100%" height="100%" fill="#1d3557"/>${lines.join('')}`),
    )
    expect(hexes(palette).sort()).toEqual(['#1d3557', '#ffcc00'])
  })

  it('palettes give a gradient few colours, and both ends of a long one', async () => {
    const gradient = (from: string, to: string) =>
      svg(
        `<linearGradient id="a"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient><rect width="100%" height="100%" fill="url(#a)"/>`,
      )
    expect((await palettes.of(gradient('#e63946', '#f4a261'))).colours.length).toBeLessThanOrEqual(2)
    const long = await palettes.of(gradient('#000000', '#00ff00'))
    expect(long.colours.length).toBeLessThanOrEqual(4)
    expect(nearest(long, '#000000')).toBeLessThan(35)
    expect(nearest(long, '#00ff00')).toBeLessThan(35)
  })

  it('palettes have at most eight colours, and keep small bright ones', async () => {
    const squares = Array.from({ length: 100 }, (_, n) => {
      const grey = 60 + Math.floor(n / 10) * 15
      return `<rect x="${(n % 10) * 20}" y="${Math.floor(n / 10) * 20}" width="20" height="20" fill="rgb(${grey},${grey},${grey})"/>`
    })
    const palette = await palettes.of(
      svg(`${squares.join('')}<circle cx="100" cy="100" r="16" fill="#ff0055"/>`),
    )
    expect(palette.colours).toHaveLength(8)
    expect(hexes(palette)).toContain('#ff0055')
  })

  it('palettes of a blank image are empty', async () => {
    expect(await palettes.of(svg(paper))).toEqual({ ground: { kind: 'WHITE', share: 1 }, colours: [] })
    expect(await palettes.of(svg('<g/>'))).toMatchObject({ ground: { kind: 'TRANSPARENT' }, colours: [] })
  })

  it('palettes of the same file are the same', async () => {
    const { svg: file } = await madeDrawing(77)
    const jpeg = await sharp(Buffer.from(file))
      .flatten({ background: '#fff' })
      .jpeg({ quality: 70 })
      .toBuffer()
    expect(await palettes.of(jpeg)).toEqual(await palettes.of(jpeg))
  })
})

describe('palettes of files of all kinds', () => {
  const plain = (background: string) => sharp({ create: { width: 40, height: 30, channels: 3, background } })

  it.each<[string, (image: Sharp) => Sharp, number]>([
    ['an 8-bit PNG', (image) => image.png(), 0],
    ['a 16-bit PNG', (image) => image.toColourspace('rgb16').png(), 0.5],
    ['a PNG with a palette', (image) => image.png({ palette: true }), 1],
    ['a JPEG', (image) => image.jpeg({ quality: 90 }), 2],
    ['a WebP', (image) => image.webp({ lossless: true }), 0],
    ['an AVIF', (image) => image.avif({ quality: 80 }), 2],
    ['a GIF', (image) => image.gif(), 1],
    ['a TIFF', (image) => image.tiff(), 2],
    ['a JPEG in CMYK', (image) => image.toColourspace('cmyk').withIccProfile('cmyk').jpeg(), 6],
    ['a PNG in Display P3', (image) => image.withIccProfile('p3').png(), 2],
  ])('the palette of %s is its colour on a screen', async (_name, save, within) => {
    const palette = await palettes.of(await save(plain('#b5651d')).toBuffer())
    expect(palette.colours).toHaveLength(1)
    expect(nearest(palette, '#b5651d')).toBeLessThanOrEqual(within)
  })

  it('a palette of an animation is that of its first frame', async () => {
    const frames = await Promise.all(['#ff0000', '#0000ff'].map((colour) => plain(colour).png().toBuffer()))
    const gif = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer()
    expect(hexes(await palettes.of(gif))).toEqual(['#ff0000'])
  })

  it('a palette of a half-transparent fill is that of the fill', async () => {
    expect(
      hexes(await palettes.of(svg('<rect width="100" height="200" fill="#0a84ff" fill-opacity="0.5"/>'))),
    ).toEqual([expect.stringMatching(/^#0[9ab]8[345]f[ef]$/)])
  })

  it('a palette of a file that does not decode is an error of that file alone', async () => {
    const png = await plain('#123456').png().toBuffer()
    await expect(palettes.of(png.subarray(0, 50))).rejects.toMatchObject({ code: 'UNREADABLE_IMAGE' })
    expect(hexes(await palettes.of(png))).toEqual([hexOf([0x12, 0x34, 0x56])])
  })
})
