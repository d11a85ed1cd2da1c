/** The space that colours are compared in: OKLab (Ottosson 2020), in which equal distances look about equally far apart. */

/** Lightness in 0..1, and the axes green to red and blue to yellow, each within -0.32..0.28 for colours of sRGB. */
export type Lab = readonly [l: number, a: number, b: number]

/** Light of each 8-bit value (IEC 61966-2-1). */
const linear = Float64Array.from({ length: 256 }, (_, i) => {
  const v = i / 255
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
})

/** From 8-bit sRGB. */
export function toLab(red: number, green: number, blue: number): Lab {
  const [r, g, b] = [linear[red]!, linear[green]!, linear[blue]!]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

/** 8-bit sRGB, each channel cut to its range. */
export function fromLab([lightness, a, b]: Lab): [red: number, green: number, blue: number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    eightBit(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    eightBit(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    eightBit(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

function eightBit(light: number): number {
  const v = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055
  return Math.round(255 * Math.min(1, Math.max(0, v)))
}

/**
 * How far two colours are apart: 100 times their distance in OKLab. Black and white are 100 apart, about 2 is the least
 * that is seen side by side.
 */
export function difference(one: Lab, other: Lab): number {
  return 100 * Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2])
}

export const hexOf = (rgb: readonly number[]): string =>
  `#${rgb.map((v) => v.toString(16).padStart(2, '0')).join('')}`

/** Of `#rrggbb`. */
export function labOfHex(hex: string): Lab {
  const value = Number.parseInt(hex.slice(1), 16)
  return toLab(value >> 16, (value >> 8) & 255, value & 255)
}

/** `#rrggbb` of three or six hex digits, with or without the #; null for any other text. */
export function readHex(text: string): string | null {
  const digits = /^\s*#?([0-9a-f]{3}|[0-9a-f]{6})\s*$/i.exec(text)?.[1]?.toLowerCase()
  if (digits === undefined) return null
  return digits.length === 6 ? `#${digits}` : `#${[...digits].map((d) => d + d).join('')}`
}
