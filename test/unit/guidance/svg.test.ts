/** Which SVGs are taken for recolouring, and that their colours are found. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { hex } from '../../../workers/guidance/generators/colours.ts'
import { ColouredSvg } from '../../../workers/guidance/generators/svg.ts'

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
  ])('%s', (_, text, why) => {
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
    ['what uses itself', svg(`${rect}<g id="a"><use href="#a"/></g>`)],
    ['one id given many times', svg(`${rect}${'<g id="a"/>'.repeat(10_000)}`)],
    ['use of a few', svg(laughs(3, (id) => `<use href="#${id}"/>`))],
    [
      "an editor's own elements",
      svg(`<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>${rect}`),
    ],
  ])('%s', (_, text) => {
    expect(open(text).groups.length).toBeGreaterThan(0)
  })

  const folder = path.resolve('test/fixtures/svg')
  it.each(globSync('*.svg', { cwd: folder }))(
    '%s: its own colours written back draw the same',
    async (name) => {
      const text = readFileSync(path.join(folder, name), 'utf8')
      const read = open(text)
      const written = read.with(read.groups.map(({ colour }) => hex(colour)))
      const [before, after] = await Promise.all(
        [text, written].map((of) => sharp(Buffer.from(of)).resize(128, 128).raw().toBuffer()),
      )
      expect(after!.equals(before!)).toBe(true)
    },
  )
})
