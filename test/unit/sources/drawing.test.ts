/** Which SVGs are drawn. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { defaultLimits, openPicture, pictureError, pictureHeader } from '../../../workers/sources/picture.ts'

const root = (inner: string) => `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inner}</svg>`
const declared = (entities: string, inner: string) => `<!DOCTYPE svg [${entities}]>${root(inner)}`

/** Looks at it, then draws it. */
async function problem(file: string | Buffer): Promise<ItemError | null> {
  const bytes = Buffer.from(file)
  try {
    await pictureHeader(bytes, defaultLimits)
  } catch (error) {
    expect(error).toBeInstanceOf(ItemError)
    return error as ItemError
  }
  return openPicture(bytes, defaultLimits)
    .raw()
    .toBuffer()
    .then(
      () => null,
      (error) => pictureError(error) as ItemError,
    )
}

describe('SVGs that draw much', () => {
  /** Each level draws the one below ten times. */
  const levels = (count: number, again: (id: string) => string, leaf = '<rect width="9" height="9"/>') =>
    `<g id="u0">${leaf}</g>${Array.from({ length: count }, (_, i) => `<g id="u${i + 1}">${again(`u${i}`).repeat(10)}</g>`).join('')}`
  const uses = levels(6, (id) => `<use href="#${id}"/>`)
  const paints = (reference: (id: string) => string, attribute = 'fill') =>
    [
      ...Array.from({ length: 7 }, (_, i) => {
        const rect = `<rect width="9" height="9" ${i ? `${attribute}="${reference(`u${i - 1}`)}"` : ''}/>`
        return `<pattern id="u${i}" width="1" height="1">${rect.repeat(10)}</pattern>`
      }),
      `<rect width="9" height="9" ${attribute}="${reference('u6')}"/>`,
    ].join('')
  const blur = '<filter id="f"><feGaussianBlur stdDeviation="9"/></filter>'
  const address = (text: string) => `data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`
  const drawsMuch = /draws more than 200000 elements/

  it.each([
    ['use', root(uses)],
    [
      'use by another prefix',
      root(uses).replaceAll('<use href', '<s:use xmlns:s="http://www.w3.org/2000/svg" href'),
    ],
    ['use with numbers for characters', root(uses).replaceAll('"#', '"&#35;')],
    ['patterns', root(paints((id) => `url(#${id})`))],
    ['patterns in escapes', root(paints((id) => `\\75 rl(#${id})`))],
    ['patterns in numbers', root(paints((id) => `url&#40;#${id})`))],
    ['patterns by style', root(paints((id) => `fill: url('#${id}')`, 'style'))],
    [
      'patterns by entity',
      declared(
        '<!ENTITY u "url(#u">',
        paints((id) => `&u;${id.slice(1)})`),
      ),
    ],
    [
      'patterns by class',
      root(
        `<style>${Array.from({ length: 7 }, (_, i) => `.u${i} { fill: url(#u${i}) }`).join(' ')}</style>${paints((id) => id, 'class')}`,
      ),
    ],
    ['masks', root(paints((id) => `url(#${id})`, 'mask').replaceAll('pattern', 'mask'))],
    [
      'markers',
      root(
        `<marker id="m">${'<rect width="1" height="1"/>'.repeat(3000)}</marker><path d="M0 0${' 1 1'.repeat(100)}" marker-mid="url(#m)"/>`,
      ),
    ],
    [
      'blur',
      root(blur + levels(4, (id) => `<use href="#${id}"/>`, '<rect width="9" height="9" filter="url(#f)"/>')),
    ],
    ['blur in words', root('<rect width="9" height="9" filter="blur(9px)"/>'.repeat(5000))],
    ['an SVG inside', root(`<image width="9" height="9" href="${address(root(uses))}"/>`)],
    [
      'an SVG inside an SVG inside',
      root(
        `<image width="9" height="9" href="${address(root(`<image width="9" height="9" href="${address(root(uses))}"/>`))}"/>`,
      ),
    ],
    [
      'a style sheet in an address',
      `<?xml-stylesheet href="data:text/css,*{filter:blur(9px)}"?>${root('<rect width="9" height="9"/>')}`,
    ],
    [
      'entities of an SVG inside',
      root(
        `<image width="9" height="9" href="${address(declared('<!ENTITY a "ha"><!ENTITY b "&a;&a;">', '<text>&b;</text>'))}"/>`,
      ),
    ],
    ['more elements than the limit', root('<a/>'.repeat(210_000))],
  ])('%s', async (_, text) => {
    const error = await problem(text)
    expect(error).toMatchObject({ code: 'INVALID', message: expect.stringMatching(drawsMuch) })
  })

  it.each(['<', '&#60;', '&#x3C;', '&#38;lt;'])('entities made of elements: %s', async (begin) => {
    for (const quote of [`"`, `'`])
      expect(await problem(declared(`<!ENTITY u ${quote}${begin}rect/>${quote}>`, '&u;'))).toMatchObject({
        code: 'INVALID',
        message: expect.stringMatching(/entities made of other entities or of elements/),
      })
  })

  it('is told of XML that is none', async () => {
    for (const text of [declared('<!ENTITY a "&#99999999999;">', '&a;'), root('<use &#x;="a" '.repeat(5000))])
      expect(await problem(text)).toMatchObject({
        code: expect.stringMatching(/^(INVALID|UNREADABLE_IMAGE)$/),
      })
  })

  it('what is compressed is not opened', async () => {
    expect(await problem(gzipSync(root('<rect/>')))).toMatchObject({ code: 'UNSUPPORTED_FORMAT' })
  })

  it.each([
    [
      'a sheet of symbols',
      root(
        `<symbol id="s" viewBox="0 0 9 9">${'<path d="M0 0h9v9z"/>'.repeat(50)}</symbol>${'<use href="#s" width="1" height="1"/>'.repeat(1000)}`,
      ),
    ],
    [
      'gradients and clips by class',
      root(
        `<style>${Array.from({ length: 100 }, (_, i) => `.c${i}{fill:url(#g${i});clip-path:url(#p${i})}`).join('')}</style>${Array.from({ length: 100 }, (_, i) => `<linearGradient id="g${i}"><stop offset="0"/><stop offset="1"/></linearGradient><clipPath id="p${i}">${'<rect width="9" height="9"/>'.repeat(20)}</clipPath>`).join('')}${Array.from({ length: 3000 }, (_, i) => `<rect class="c${i % 100}" width="9" height="9"/>`).join('')}`,
      ),
    ],
    [
      'arrows',
      root(
        `<marker id="m"><path d="M0 0h1v1z"/></marker>${'<path d="M0 0 3 3 6 2 9 9" marker-end="url(#m)"/>'.repeat(2000)}`,
      ),
    ],
    [
      'shadows',
      root(
        `<filter id="f"><feOffset/><feGaussianBlur stdDeviation="1"/><feMerge/></filter>${'<rect width="3" height="3" filter="url(#f)"/>'.repeat(300)}`,
      ),
    ],
    ['what uses itself', root('<g id="a"><use href="#a"/><rect width="3" height="3"/></g>')],
    [
      'a photograph inside',
      root(
        `<image width="9" height="9" href="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"/>`,
      ),
    ],
  ])('open: %s', async (_, text) => {
    expect(await problem(text)).toBeNull()
  })
})
