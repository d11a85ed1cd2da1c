/** Messages and codes of images that do not open. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { decodeRaster } from '../../../workers/images/decode-raster.ts'
import { defaultLimits, imageError, imageHeader } from '../../../workers/images/open.ts'
import { imageProcess } from '../../../workers/images/process/image-process.ts'

const root = (inner: string, size = 'width="9" height="9"') =>
  `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${inner}</svg>`

/** The error of opening and decoding a whole image; null when there is none. */
async function problem(bytes: Uint8Array): Promise<ItemError | null> {
  try {
    const { format } = await imageHeader(bytes, defaultLimits)
    if (format === 'svg') await imageProcess.svg(bytes, defaultLimits)
    else await decodeRaster(bytes, defaultLimits)
    return null
  } catch (error) {
    const found = imageError(error)
    expect(found).toBeInstanceOf(ItemError)
    return found as ItemError
  }
}

const withEntities = (entities: string, inner = '') => `<!DOCTYPE svg [${entities}]>${root(inner)}`
const many = '&a;'.repeat(10)
const made = /entities made of other entities or of elements, or kept in other files/
const grown = /entities that are not read/

describe('opening SVGs', () => {
  it.each([
    [
      'entities made of entities',
      withEntities(`<!ENTITY a "ha"><!ENTITY b "${many}">`, '<text>&b;</text>'),
      'INVALID',
      made,
    ],
    [
      'entities made of entities, in other quotes',
      `\n${withEntities(`<!ENTITY a 'ha'><!ENTITY b 'x${many}'>`)}`,
      'INVALID',
      made,
    ],
    [
      'a file in an entity',
      withEntities('<!ENTITY x SYSTEM "file:///etc/passwd">', '<text>&x;</text>'),
      'INVALID',
      made,
    ],
    [
      'a file in a parameter entity',
      withEntities('<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;'),
      'INVALID',
      made,
    ],
    [
      'a long entity used many times',
      withEntities(`<!ENTITY x "${'a'.repeat(10 ** 5)}">`, `<text>${'&x;'.repeat(5000)}</text>`),
      'INVALID',
      grown,
    ],
    ['an undeclared entity', root('<text>&nbsp;</text>'), 'INVALID', grown],
    ['no width', root('<rect width="3" height="3"/>', 'width="0" height="5"'), 'INVALID', /no size/],
    ['neither width nor content', root('', ''), 'INVALID', /no size/],
    ['an empty view', root('', 'viewBox="0 0 0 0"'), 'INVALID', /no size/],
    ['deep groups', root('<g>'.repeat(5000) + '</g>'.repeat(5000)), 'INVALID', /too deeply/],
    [
      'its end cut off',
      root('<rect/>').slice(0, 66),
      'UNREADABLE_IMAGE',
      /cut short.* at line 1, column \d+\.$/,
    ],
    ['an unknown prefix', root('<use xlink:href="#a"/>'), 'UNREADABLE_IMAGE', /well-formed XML at line 1/],
    [
      'another root element',
      `<html>${root('')}</html>`,
      'UNSUPPORTED_FORMAT',
      /not an image that can be read/,
    ],
  ])('an SVG with %s is refused with its reason', async (_, text, code, message) => {
    const error = await problem(Buffer.from(text))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error!.message).toMatch(/\.$/)
    expect(error!.message).not.toMatch(/glib|svgload|domain|buffer|entity '/i)
  })

  it.each([
    ['a namespace', '<!ENTITY ns_svg "http://www.w3.org/2000/svg">', '<g xmlns="&ns_svg;"/>'],
    ['a character', '<!ENTITY nbsp "&#160;">', '<text>&nbsp;</text>'],
  ])('an SVG with an entity for %s opens', async (_, entity, inner) => {
    expect(await problem(Buffer.from(withEntities(entity, inner)))).toBeNull()
  })
})

describe('opening other images', () => {
  const noise = Uint8Array.from({ length: 120 * 120 * 3 }, (_, i) => (i * 7919 * (i % 251)) & 255)
  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'a %s that is cut short is called damaged',
    async (format) => {
      const whole = await sharp(noise, { raw: { width: 120, height: 120, channels: 3 } })
        .toFormat(format)
        .toBuffer()
      expect(await problem(whole)).toBeNull()
      for (const part of [0.3, 0.6, 0.9])
        expect((await problem(whole.subarray(0, whole.length * part)))?.message).toMatch(
          /^The image is damaged or cut short(; send a whole copy of it| \(TIFF without a directory\))\.$/,
        )
    },
  )
})

it('an error of the program is no fault of the image', () => {
  const error = new TypeError('unsupported image format')
  expect(imageError(error)).toBe(error)
  expect(imageError(new Error('out of memory'))).not.toBeInstanceOf(ItemError)
  expect(imageError(new Error('VipsJpeg: premature end'))).toMatchObject({ code: 'UNREADABLE_IMAGE' })
})
