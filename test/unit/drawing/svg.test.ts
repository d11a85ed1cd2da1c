/** Which SVGs are taken for recolouring, and that their colours are found. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { hex } from '../../../workers/drawing/generators/colours.ts'
import { type Rgb, readColour } from '../../../workers/drawing/generators/notation.ts'
import { recolourSvg } from '../../../workers/drawing/generators/recolour.ts'
import { ColouredSvg } from '../../../workers/drawing/generators/svg.ts'
import { ItemError } from '../../../workers/errors.ts'

const svg = (inner: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" ${attributes}>${inner}</svg>`
const open = (text: string) => new ColouredSvg(Buffer.from(text))
const rect = '<rect width="4" height="4" fill="#123456"/>'

/** Levels of ten references each: 10^levels rectangles. */
const laughs = (levels: number, refer: (id: string) => string) =>
  Array.from(
    { length: levels },
    (_, level) =>
      `<g id="l${level + 1}">${(level === 0 ? rect : refer(`l${level}`)).repeat(level === 0 ? 1 : 10)}</g>`,
  ).join('') + refer(`l${levels}`)

describe('SVGs that are refused', () => {
  it.each([
    ['a script', svg(`${rect}<script>alert(1)</script>`), /<script>/],
    ['a script with a prefix', svg(`${rect}<s:script xmlns:s="http://www.w3.org/2000/svg"/>`), /<script>/],
    ['an event handler', svg(`<rect onload="alert(1)"/>`), /event handler/],
    ['HTML', svg(`<h:a xmlns:h="http://www.w3.org/1999/xhtml"/>`), /HTML/],
    ['an animation', svg(`<rect><animate attributeName="href" to="javascript:x"/></rect>`), /<animate>/],
    ['a style sheet from elsewhere', `<?xml-stylesheet href="a.css"?>${svg(rect)}`, /xml-stylesheet/],
    ['an import', svg(`<style>@import "a.css";</style>`), /refer to files/],
    ['an image set', svg(`<rect style="mask: image-set('a.png' 1x)"/>`), /refer to files/],
    ['escapes in a style', svg(`<rect style="mask: \\75rl(http://a)"/>`), /escapes/],
    ['entities in a style sheet', svg(`<style>a{mask:u&#x72;l(http://a)}</style>`), /entities/],
    ['a file', svg(`<image href="file:///etc/passwd"/>`), /file:/],
    [
      'a file by another prefix',
      svg(`<image x:href="/a" xmlns:x="http://www.w3.org/1999/xlink"/>`),
      /only its own/,
    ],
    ['an SVG inside of an address', svg(`<rect mask="url(data:image/svg+xml;base64,AA)"/>`), /only its own/],
    ['deep nesting', svg('<g>'.repeat(300) + '</g>'.repeat(300)), /nests more than 200/],
    ['many elements', svg('<rect/>'.repeat(20_001)), /more than 20000 elements/],
    ['use of use', svg(laughs(6, (id) => `<use href="#${id}"/>`)), /draws more than/],
    ['use by xlink', svg(laughs(6, (id) => `<use xlink:href="#${id}"/>`)), /draws more than/],
    [
      'use by any prefix',
      svg(
        laughs(6, (id) => `<use q:href="#${id}"/>`),
        'xmlns:q="http://www.w3.org/1999/xlink"',
      ),
      /draws more than/,
    ],
    ['masks of masks', svg(laughs(6, (id) => `<rect mask="url(#${id})"/>`)), /draws more than/],
    ['patterns in styles', svg(laughs(6, (id) => `<rect style="fill:url(#${id})"/>`)), /draws more than/],
    [
      'a pattern for every element',
      svg(
        `<style>rect{fill:url(#p)}</style><pattern id="p">${rect.repeat(100)}</pattern>${rect.repeat(1000)}`,
      ),
      /draws more than/,
    ],
    [
      'a chain of references without an end in sight',
      svg(
        Array.from({ length: 9000 }, (_, i) => `<g id="a${i}"><use href="#a${i + 1}"/></g>`).join('') +
          '<use href="#a0"/>',
      ),
      /draws more than/,
    ],
    ['a variable', svg('<rect style="fill: var(--c)"/>'), /has fill "var\(--c\)"/],
    ['a variable with another colour', svg('<rect fill="var(--c, red)"/>'), /"var\(--c, red\)"/],
    ['a mixture', svg('<style>a{stroke:color-mix(in srgb, red, blue)}</style>'), /stroke "color-mix/],
    ['a name that nobody knows', svg('<rect fill="reddish"/>'), /fill "reddish"/],
    ['an unknown one after a paint', svg('<rect fill="url(#a) reddish"/>'), /fill "reddish"/],
    ['black by a word that is none', svg('<stop stop-color="none"/>'), /stop-color "none"/],
    ['a colour hidden by a reference', svg('<rect style="&#102;ill:red"/>'), /entities/],
    ['the colour of a function', svg('<rect filter="drop-shadow(0 0 1px red)"/>'), /feDropShadow/],
    ['blanks without an end', svg(`<rect style="fill:url(${' '.repeat(10 ** 6)}"/>`), /refers to/],
    ['comments without an end', svg(`<style>a{fill:foo;${'/*/'.repeat(6 * 10 ** 5)}</style>`), /"foo"/],
  ])('an SVG is refused for %s', (_, text, why) => {
    const began = performance.now()
    expect(() => open(text)).toThrow(why)
    expect(() => open(text)).toThrow(ItemError)
    expect(performance.now() - began).toBeLessThan(4000)
  })
})

describe('SVGs that are taken', () => {
  it.each([
    [
      'gradients that many elements share',
      svg(
        `<style>rect{fill:url(#g)}</style><linearGradient id="g">${'<stop stop-color="#f00"/>'.repeat(50)}</linearGradient>${rect.repeat(3000)}`,
      ),
    ],
    ['an element that uses itself', svg(`${rect}<g id="a"><use href="#a"/></g>`)],
    ['one id given many times', svg(`${rect}${'<g id="a"/>'.repeat(10_000)}`)],
    ['a few uses of uses', svg(laughs(3, (id) => `<use href="#${id}"/>`))],
    [
      "an editor's own elements",
      svg(`<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>${rect}`),
    ],
  ])('an SVG is taken with %s', (_, text) => {
    expect(open(text).groups.length).toBeGreaterThan(0)
  })

  const folder = path.resolve('test/fixtures/svg')
  it.each(globSync('*.svg', { cwd: folder }))(
    'the colours of %s draw the same when they are written back',
    async (name) => {
      await drawsTheSame(readFileSync(path.join(folder, name), 'utf8'))
    },
  )
})

const drawn = (text: string, edge = 96) => sharp(Buffer.from(text)).resize(edge, edge).raw().toBuffer()

async function drawsTheSame(text: string) {
  const read = open(text)
  const written = read.with(read.groups.map(({ colour }) => hex(colour)))
  const [before, after] = await Promise.all([text, written].map((of) => drawn(of)))
  // Opacity has 8 bits where it is written with two digits.
  const apart = before!.map((v, i) => Math.abs(v - after![i]!))
  expect(Math.max(...apart), written).toBeLessThanOrEqual(1)
  return read
}

/** Squares without soft edges, which cover everything. */
const tiles = (inner: string, attributes = '', paper = '<rect width="9" height="9" fill="#fff"/>') =>
  svg(paper + inner, `width="96" height="96" shape-rendering="crispEdges" ${attributes}`)
const square = (attributes: string, x = 0) =>
  `<rect x="${x}" width="3" height="9" stroke-width="1" ${attributes}/>`
const gradient = (stop: string) =>
  `<linearGradient id="g">${stop}</linearGradient>${square('fill="url(#g)"')}${square('fill="#123456"', 3)}`

/** What paints, and in how many colours. */
const paints: [what: string, text: string, colours: number][] = [
  ['hsl() beside hex', tiles(square('fill="hsl(120,50%,50%)"') + square('fill="#123456"', 3)), 3],
  ['hsl() in a style', tiles(square('style="fill:hsl(240 100% 50%)"')), 2],
  [
    'a style sheet',
    tiles(`<style>/* a{b} */ .a{stroke:none;fill:hwb(20 0% 0%)}</style>${square('class="a"')}`),
    2,
  ],
  [
    'a class named like a property',
    tiles(`<style>.fill:first-child, .fill{fill:red}</style>${square('class="fill"')}`),
    2,
  ],
  ['comments', tiles(square('style="fill/**/:/*a;b*/ teal /**/"')), 2],
  [
    '!important',
    tiles(`<style>rect.a{fill:red ! important}</style>${square('class="a" style="fill:blue"')}`),
    3,
  ],
  ['the current colour', tiles(square('fill="currentColor" color="rebeccapurple"')), 2],
  [
    'the current colour of a group',
    tiles(`<g style="color:rgb(20% 60% 20%)">${square('stroke="currentcolor" fill="none"')}</g>`),
    2,
  ],
  [
    'the current colour of a style sheet',
    tiles(`<style>svg{color:hsl(9 80% 40%)}</style>${square('style="fill:currentColor"')}`),
    3,
  ],
  ['the current colour that nobody gave', tiles(square('fill="currentColor"')), 2],
  [
    'the current colour of the root',
    tiles(square('fill="currentColor"'), 'color="currentColor" fill="inherit"'),
    2,
  ],
  [
    'two current colours',
    tiles(
      `<g color="red">${square('fill="currentColor"')}</g>${square('color="lime" fill="currentColor"', 3)}`,
    ),
    3,
  ],
  ['no fill at all', tiles(square('')), 2],
  ['a gradient', tiles(gradient('<stop stop-color="hsl(30 90% 50%)"/>')), 3],
  ['a gradient that says no colour', tiles(gradient('<stop offset="0"/>')), 3],
  ['a gradient in the current colour', tiles(gradient('<stop stop-color="currentColor" color="green"/>')), 3],
  ['what is drawn for a missing paint', tiles(square('fill="url(#none) hsl(200 50% 50%)"')), 2],
  [
    'a paint between quotes',
    tiles(`${gradient('<stop stop-color="lime"/>')}${square('style="fill:url(&quot;#g&quot;) red"')}`),
    4,
  ],
  [
    'a flood',
    tiles(
      `<filter id="f" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB"><feFlood/></filter>${square('fill="#fff" filter="url(#f)"')}`,
    ),
    2,
  ],
]

describe('colours that paint', () => {
  it.each(paints)('colours of %s draw the same when they are written back', async (_, text, colours) => {
    const { groups } = await drawsTheSame(text)
    // The root's black, which shows only where a shape has no fill of its own.
    expect(groups.filter(({ colour }) => colour.some((v) => v > 0)).length).toBeLessThanOrEqual(colours)
  })

  const palette: Rgb[] = ['#2a9d8f', '#e9c46a', '#7b2cbf'].map((text) => readColour(text)!.rgb)
  it.each(paints)('no pixel has a colour outside the palette for colours of %s', async (_, text) => {
    const made = await recolourSvg(open(text), { width: 48, height: 48 }, palette, () => 0.5)
    const pixels = await drawn(made.svg(1)!)
    const seen = new Set<string>()
    const channels = pixels.length / 96 ** 2
    for (let at = 0; at < pixels.length; at += channels) seen.add(pixels.subarray(at, at + 3).toString('hex'))
    expect([...seen].filter((colour) => !palette.some((of) => hex(of) === `#${colour}`))).toEqual([])
  })

  it('colours too small to be seen take the palette too', async () => {
    const text = tiles(
      `${square('fill="red"')}<rect x="8" y="8" width=".01" height=".01" fill="hsl(1 2% 3%)"/>`,
    )
    const made = await recolourSvg(open(text), { width: 48, height: 48 }, palette, () => 0.5)
    expect(made.svg(1)).not.toContain('hsl')
    const free = await recolourSvg(open(text), { width: 48, height: 48 }, null, () => 0.5)
    expect(free.svg(1)).toContain('hsl')
  })

  it('an SVG begins with its own colours', async () => {
    const text = tiles(square('fill="currentColor" color="rebeccapurple"'))
    const made = await recolourSvg(open(text), { width: 48, height: 48 }, null, () => 0.5)
    expect(made.svg(0)).toMatch(/fill="currentColor" color="#6[5-8]3[2-7]9[7-9a]"/)
  })

  it('colours keep the opacity that they carry', () => {
    const read = open(
      svg('<g fill="#abc8" stroke="rgb(1 2 3 / 25%)"/><g fill="hsla(9,9%,9%,.5)" stroke="#1230"/>'),
    )
    expect(read.with(read.groups.map(() => '#445566'))).toContain(
      '<g fill="#44556688" stroke="#44556640"/><g fill="#44556680" stroke="#1230"/>',
    )
  })
})

it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
  'an image as %s is no SVG',
  async (format) => {
    const bytes = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .toFormat(format)
      .toBuffer()
    const article = format === 'avif' ? 'an' : 'a'
    expect(() => new ColouredSvg(bytes)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_FORMAT',
        message: expect.stringMatching(
          new RegExp(`^RECOLOUR needs an SVG to start from; this is ${article} ${format}\\.$`, 'i'),
        ),
      }),
    )
  },
)
