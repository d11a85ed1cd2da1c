/** That a colour is read exactly where the renderer draws it, and as it draws it. */
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { readColour } from '../../../workers/drawing/generators/notation.ts'

/** RGBA of what is filled with it; null where the renderer passes it over. */
async function drawn(colour: string): Promise<number[] | null> {
  const pixels = await Promise.all(
    ['#fe0201', '#01fe02'].map((around) =>
      sharp(
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2" fill="${around}"><rect width="2" height="2" fill="${colour}"/></svg>`,
        ),
      )
        .ensureAlpha()
        .raw()
        .toBuffer(),
    ),
  )
  const [one, other] = pixels.map((of) => [...of.subarray(0, 4)])
  return one!.join() === other!.join() ? one! : null
}

const hex = ['#1af', '#1AF8', '#12ab9f', '#12ab9fcc', '#12ab9', '#12ab9f0', '12ab9f', '#12ab9g']
const names = ['red', 'RebeccaPurple', 'darkslategrey', 'transparent', 'reddish', 'Canvas', 'red blue']
const rgb = [
  ...['rgb(12,34,56)', 'rgb(12 34 56)', 'RGBA( 12 , 34 , 56 , .5 )', 'rgba(12,34,56,50%)', 'rgba(12 34 56)'],
  ...[
    'rgb(12 34 56 / 40%)',
    'rgb(12 34 56/.4)',
    'rgb(10%, 25%, 75%)',
    'rgb(10% 25.5% 75%)',
    'rgb(10% 34 56)',
  ],
  ...[
    'rgb(127.5 0.4 0.5)',
    'rgb(300 -5 1e2)',
    'rgb(none 34 56)',
    'rgb(12 34 56 / none)',
    'rgb(+12 34 56 / 7)',
  ],
  ...[
    'rgb(10%,34,56)',
    'rgb(12,34,56 / .5)',
    'rgb(12 34,56)',
    'rgb(none,34,56)',
    'rgb(12 34)',
    'rgb (1,2,3)',
  ],
  ...['rgb(1 2 3 4)', 'rgb(1,2,3,4,5)', 'rgb(1deg 2 3)', 'rgb(1 2 3 / 4deg)', 'rgb(calc(1) 2 3)', 'rgb()'],
]
const hue = [
  ...[
    'hsl(120,50%,50%)',
    'hsl(120 50% 50%)',
    'hsl(210, 33%, 47%)',
    'hsl(90.5deg 50% 50%)',
    'hsl(.5turn 50% 50%)',
  ],
  ...[
    'hsl(100grad,50%,50%)',
    'hsl(2rad 50% 50%)',
    'hsl(-240 50% 50%)',
    'hsl(1234 51% 21%)',
    'hsl(9 150% 50%)',
  ],
  ...[
    'hsl(9 -5% 50%)',
    'hsl(none 50% 50%)',
    'hsl(9 none 50%)',
    'hsla(120,50%,50%,.5)',
    'hsl(9 50% 50% / 50%)',
  ],
  ...[
    'hsl(120 50 50)',
    'hsl(120,50,50)',
    'hsl(120% 50% 50%)',
    'hsl(120 50%)',
    'hwb(33 12.5% 40%)',
    'hwb(9 60% 60%)',
  ],
  ...[
    'hwb(120 20% 20% / .5)',
    'hwb(none 20% 20%)',
    'hwb(120,20%,20%)',
    'hwb(120 20 20)',
    'hwba(120 20% 20%)',
  ],
]
const others = [
  ...['lab(50% 40 59)', 'lch(50% 40 59)', 'oklab(.5 .1 .1)', 'oklch(.5 .1 40)', 'color(srgb 1 0 0)'],
  ...['color-mix(in srgb, red, blue)', 'var(--c)', 'rgb(from red r g b)', 'light-dark(red, blue)'],
  ...['icc-color(x, 1)', 'device-cmyk(0 1 1 0)', 'inherit', 'initial', 'red !important'],
]

it.each([...hex, ...names, ...rgb, ...hue, ...others])(
  '%s is read exactly where the renderer draws it',
  async (text) => {
    const pixel = await drawn(text)
    const read = readColour(text)
    if (!pixel) return expect(read).toBeNull()
    const [alpha, ...shown] = [pixel[3]! / 255, ...pixel.slice(0, 3)]
    expect(Math.abs(read!.alpha - alpha)).toBeLessThanOrEqual(0.51 / 255)
    // A pixel's colour is as exact as its opacity lets it be.
    for (const [c, value] of shown.entries())
      expect(Math.abs(read!.rgb[c]! * 255 - value) * alpha).toBeLessThan(alpha === 1 ? 0.01 : 1.1)
  },
)
