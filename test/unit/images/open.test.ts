/** What is said of images that do not open. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { defaultLimits, imageError, imageHeader, openImage } from '../../../workers/images/open.ts'

const root = (inner: string, size = 'width="9" height="9"') =>
  `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${inner}</svg>`

/** Opens and decodes the whole of it. */
async function problem(bytes: Uint8Array): Promise<ItemError | null> {
  try {
    await imageHeader(bytes, defaultLimits)
    await openImage(bytes, defaultLimits).raw().toBuffer()
    return null
  } catch (error) {
    const shown = imageError(error)
    expect(shown).toBeInstanceOf(ItemError)
    return shown as ItemError
  }
}

const declared = (entities: string, inner = '') => `<!DOCTYPE svg [${entities}]>${root(inner)}`
const many = '&a;'.repeat(10)
const made = /entities made of other entities or of elements, or kept in other files/
const grown = /entities that are not read/

describe('SVGs', () => {
  it.each([
    [
      'entities made of entities',
      declared(`<!ENTITY a "ha"><!ENTITY b "${many}">`, '<text>&b;</text>'),
      'INVALID',
      made,
    ],
    [
      'entities made of entities, in other quotes',
      `\n${declared(`<!ENTITY a 'ha'><!ENTITY b 'x${many}'>`)}`,
      'INVALID',
      made,
    ],
    ['a file', declared('<!ENTITY x SYSTEM "file:///etc/passwd">', '<text>&x;</text>'), 'INVALID', made],
    ['a file by a parameter', declared('<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;'), 'INVALID', made],
    [
      'a long entity many times',
      declared(`<!ENTITY x "${'a'.repeat(10 ** 5)}">`, `<text>${'&x;'.repeat(5000)}</text>`),
      'INVALID',
      grown,
    ],
    ['an entity that nobody declared', root('<text>&nbsp;</text>'), 'INVALID', grown],
    ['no width', root('<rect width="3" height="3"/>', 'width="0" height="5"'), 'INVALID', /no size/],
    ['nothing in it', root('', ''), 'INVALID', /no size/],
    ['an empty view', root('', 'viewBox="0 0 0 0"'), 'INVALID', /no size/],
    ['deep groups', root('<g>'.repeat(5000) + '</g>'.repeat(5000)), 'INVALID', /too deeply/],
    ['half of it', root('<rect/>').slice(0, 66), 'UNREADABLE_IMAGE', /cut short.* at line 1, column \d+\.$/],
    ['an unknown prefix', root('<use xlink:href="#a"/>'), 'UNREADABLE_IMAGE', /well-formed XML at line 1/],
    ['another root', `<html>${root('')}</html>`, 'UNSUPPORTED_FORMAT', /not an image that can be read/],
  ])('%s', async (_, text, code, message) => {
    const error = await problem(Buffer.from(text))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error!.message).toMatch(/\.$/)
    expect(error!.message).not.toMatch(/glib|svgload|domain|buffer|entity '/i)
  })

  it.each([
    ['a namespace', '<!ENTITY ns_svg "http://www.w3.org/2000/svg">', '<g xmlns="&ns_svg;"/>'],
    ['a character', '<!ENTITY nbsp "&#160;">', '<text>&nbsp;</text>'],
  ])('open where an entity stands for %s', async (_, entity, inner) => {
    expect(await problem(Buffer.from(declared(entity, inner)))).toBeNull()
  })
})

describe('others', () => {
  const noise = Uint8Array.from({ length: 120 * 120 * 3 }, (_, i) => (i * 7919 * (i % 251)) & 255)
  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('%s cut short', async (format) => {
    const whole = await sharp(noise, { raw: { width: 120, height: 120, channels: 3 } })
      .toFormat(format)
      .toBuffer()
    expect(await problem(whole)).toBeNull()
    for (const part of [0.3, 0.6, 0.9])
      expect((await problem(whole.subarray(0, whole.length * part)))?.message).toMatch(
        /^The image is damaged or cut short(; send a whole copy of it| \(TIFF without a directory\))\.$/,
      )
  })
})
