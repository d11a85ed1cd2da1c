/** Which SVGs Limn renders and which it refuses before. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { defaultLimits, imageError, imageHeader } from '../../../workers/images/open.ts'
import { imageProcess } from '../../../workers/images/process/image-process.ts'

const root = (inner: string) => `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inner}</svg>`
const withEntities = (entities: string, inner: string) => `<!DOCTYPE svg [${entities}]>${root(inner)}`

/** The error of checking and rendering an SVG; null when there is none. */
async function problem(file: string | Buffer): Promise<ItemError | null> {
  const bytes = Buffer.from(file)
  try {
    await imageHeader(bytes, defaultLimits)
  } catch (error) {
    expect(error).toBeInstanceOf(ItemError)
    return error as ItemError
  }
  return imageProcess.svg(bytes, defaultLimits).then(
    () => null,
    (error) => imageError(error) as ItemError,
  )
}

describe('SVGs', () => {
  /** Each level refers to the one below ten times. */
  const levels = (count: number, reference: (id: string) => string) =>
    `<g id="u0"><rect width="9" height="9"/></g>${Array.from({ length: count }, (_, i) => `<g id="u${i + 1}">${reference(`u${i}`).repeat(10)}</g>`).join('')}`
  const uses = levels(6, (id) => `<use href="#${id}"/>`)
  const linked = levels(6, (id) => `<use xlink:href="#${id}"/>`)

  it.each([
    ['href', root(uses)],
    ['xlink:href', root(`<g xmlns:xlink="http://www.w3.org/1999/xlink">${linked}</g>`)],
    [
      'an element with another prefix',
      root(uses).replaceAll('<use href', '<s:use xmlns:s="http://www.w3.org/2000/svg" href'),
    ],
    ['characters written as numbers', root(uses).replaceAll('"#', '"&#35;')],
    ['ids of two bytes a letter', root(uses).replaceAll('"u', '"à').replaceAll('#u', '#&#224;')],
  ])('an SVG whose references multiply by %s is refused', async (_, text) => {
    const error = await problem(text)
    expect(error).toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(/draws more than 200000 elements/),
    })
  })

  it.each(['<', '&#60;', '&#x3C;', '&#38;lt;'])(
    'an SVG with an entity made of elements that begin with %s is refused',
    async (begin) => {
      for (const quote of [`"`, `'`])
        expect(
          await problem(withEntities(`<!ENTITY u ${quote}${begin}rect/>${quote}>`, '&u;')),
        ).toMatchObject({
          code: 'INVALID',
          message: expect.stringMatching(/entities made of other entities or of elements/),
        })
    },
  )

  it('an SVG that is not well-formed is refused whatever it declares', async () => {
    const texts = [
      withEntities('<!ENTITY a "&#99999999999;">', '&a;<use/>'),
      withEntities(`<!ENTITY a "${'x'.repeat(100_000)}">`, `<use/><desc>${'&a;'.repeat(300_000)}</desc>`),
      root('<use &#x;="a" '.repeat(5000)),
      root(`<use/>${'<g>'.repeat(5000)}`),
    ]
    for (const text of texts)
      expect(await problem(text)).toMatchObject({
        code: expect.stringMatching(/^(INVALID|UNREADABLE_IMAGE)$/),
      })
  })

  it('a compressed SVG is refused', async () => {
    expect(await problem(gzipSync(root('<rect/>')))).toMatchObject({ code: 'UNSUPPORTED_FORMAT' })
  })

  it.each([
    [
      'a sheet of symbols',
      root(
        `<symbol id="s" viewBox="0 0 9 9">${'<path d="M0 0h9v9z"/>'.repeat(50)}</symbol>${'<use href="#s" width="1" height="1"/>'.repeat(1000)}`,
      ),
    ],
    ['an element that refers to itself', root('<g id="a"><use href="#a"/><rect width="3" height="3"/></g>')],
    ['many elements of one id', root(`${'<a id="a"/>'.repeat(300)}${'<use href="#a"/>'.repeat(300)}`)],
    [
      'a declared character used again and again',
      withEntities('<!ENTITY nbsp "&#160;">', `<use/><text>${'&nbsp;'.repeat(3000)}</text>`),
    ],
    [
      'a shadow on each of many elements, as design tools write it',
      root(
        Array.from(
          { length: 400 },
          (_, i) =>
            `<filter id="f${i}"><feFlood/><feColorMatrix in="SourceAlpha"/><feOffset dy="1"/><feGaussianBlur stdDeviation="1"/><feComposite in2="SourceAlpha" operator="out"/><feBlend in2="SourceGraphic"/></filter><rect id="r${i}" width="3" height="3" filter="url(#f${i})"/><use href="#r${i}"/>`,
        ).join(''),
      ),
    ],
  ])('an SVG with %s is rendered', async (_, text) => {
    expect(await problem(text)).toBeNull()
  })
})
