/** White artwork on transparency is seen; all other images lie on white as before. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { defaultLimits } from '../../../workers/images/open.ts'
import { decodePixels } from '../../../workers/images/preprocess.ts'
import { groundOf } from '../../../workers/images/transparency/ground.ts'
import { opaqueIfWhite } from '../../../workers/images/transparency/opaque.ts'
import { decodeWhole } from '../../../workers/images/whole-image.ts'

const spec: ImageSpec = {
  width: 64,
  height: 64,
  fit: 'cover',
  resizeTo: 64,
  filter: 'bicubic',
  rescale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}
const svg = (inner: string) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200" viewBox="0 0 200 200">${inner}</svg>`,
  )
const disc = (fill: string) => svg(`<circle cx="100" cy="100" r="60" fill="${fill}"/>`)

/** The corner and the middle of the encoder's input. */
async function places(bytes: Uint8Array) {
  const pixels = await decodePixels(bytes, spec, defaultLimits)
  return [pixels[0], pixels[(32 * 64 + 32) * 3]]
}

describe('artwork on transparency', () => {
  it.each(['#fff', '#f4f4f0'])('artwork in %s lies on black, as SVG and as raster', async (fill) => {
    const png = await sharp(disc(fill)).png().toBuffer()
    const grey = await sharp(png).toColourspace('b-w').png().toBuffer()
    for (const bytes of [disc(fill), png, grey]) {
      const [corner, middle] = await places(bytes)
      expect(corner).toBe(0)
      expect(middle).toBeGreaterThan(235)
      const whole = await decodeWhole(bytes, spec, defaultLimits)
      expect([whole.data[0], whole.alpha![0]]).toEqual([0, 0])
    }
  })

  it.each([
    ['artwork of a colour', disc('#f00')],
    ['artwork of a light grey', disc('#ddd')],
    [
      'white artwork with a dark line',
      svg('<rect x="20" y="20" width="160" height="160" fill="#fff" stroke="#000"/>'),
    ],
    ['a white page that ends in round corners', svg('<rect width="200" height="200" rx="9" fill="#fff"/>')],
    ['nothing at all', svg('<rect width="200" height="200" fill="none"/>')],
  ])('%s lies on white', async (_, bytes) => {
    const [corner] = await places(bytes)
    expect(corner).toBe(255)
    const whole = await decodeWhole(bytes, spec, defaultLimits)
    expect([...whole.data.subarray(0, 3)]).toEqual([255, 255, 255])
  })

  it('an image without opacity lies on white', () => {
    expect(groundOf(new Uint8Array(30).fill(255), 3)).toBe(255)
    expect(groundOf(new Uint8Array(30).fill(255), 4)).toBe(255)
  })

  it('a thumbnail keeps its transparency unless it would be a blank', async () => {
    const open = async (fill: string) => {
      const image = await opaqueIfWhite(sharp(disc(fill)))
      return sharp(await image.png().toBuffer()).stats()
    }
    const [white, red] = await Promise.all([open('#fff'), open('#f00')])
    expect([white.isOpaque, white.channels[0]!.min, white.channels[0]!.max]).toEqual([true, 0, 255])
    expect(red.isOpaque).toBe(false)
  })
})
