/** Names of colours for people: a dozen, by lightness, chroma and hue in OKLab. */
import type { Lab } from './oklab.ts'

export const colourFamilies = [
  'RED',
  'ORANGE',
  'YELLOW',
  'GREEN',
  'TEAL',
  'BLUE',
  'PURPLE',
  'PINK',
  'BROWN',
  'BLACK',
  'GREY',
  'WHITE',
] as const

export type ColourFamily = (typeof colourFamilies)[number]

/** Hue in degrees up to which a family goes; the first begins where the last ends. */
const hues: readonly [until: number, family: ColourFamily][] = [
  [12, 'PINK'],
  [42, 'RED'],
  [80, 'ORANGE'],
  [116, 'YELLOW'],
  [168, 'GREEN'],
  [222, 'TEAL'],
  [285, 'BLUE'],
  [330, 'PURPLE'],
  [360, 'PINK'],
]

export function familyOf([lightness, a, b]: Lab): ColourFamily {
  const chroma = Math.hypot(a, b)
  if (lightness < 0.16 || (lightness < 0.28 && chroma < 0.045)) return 'BLACK'
  if (lightness > 0.95 && chroma < 0.025) return 'WHITE'
  if (chroma < 0.03) return 'GREY'
  const hue = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360
  const [, family] = hues.find(([until]) => hue < until)!
  // Dark or dull orange is brown, light red pink, dark pink purple or red.
  if ((family === 'ORANGE' || family === 'YELLOW') && lightness < 0.62 && chroma < 0.14) return 'BROWN'
  if (family === 'RED' && lightness < 0.5 && chroma < 0.1) return 'BROWN'
  if (family === 'RED' && lightness > 0.75 && chroma < 0.13) return 'PINK'
  if (family === 'PURPLE' && lightness > 0.66 && hue > 318) return 'PINK'
  if (family === 'PINK' && hue >= 330 && lightness < 0.5) return 'PURPLE'
  if (family === 'PINK' && hue < 330 && lightness < 0.6) return 'RED'
  return family
}
