/** The size that an SVG's root gives it: SVG 2 sizing, with CSS units at 96 dots per inch. */

export interface RootSize {
  /** In CSS pixels; null where the root leaves it open. */
  width: number | null
  height: number | null
  viewBox: ViewBox | null
}

interface ViewBox {
  width: number
  height: number
}

const pixelsPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  in: 96,
  pt: 96 / 72,
  pc: 16,
  mm: 96 / 25.4,
  cm: 96 / 2.54,
  q: 96 / 101.6,
}
/** Font sizes a unit, and those that CSS takes without a font at hand. */
const fontSizesPerUnit: Readonly<Record<string, number>> = { em: 1, rem: 1, ex: 0.5, ch: 0.5 }
/** The browsers' `medium`. */
const defaultFontSize = 16

const length = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)\s*$/i

/**
 * A missing side follows from the viewBox. Percentages have nothing to be a share of, so they count as missing, as do
 * values that are no length.
 */
export function rootSize(attributes: ReadonlyMap<string, string>): RootSize {
  const property = (name: string) => styleOf(attributes, name) ?? attributes.get(name)
  const fontSize = toPixels(property('font-size'), defaultFontSize) ?? defaultFontSize
  const width = toPixels(property('width'), fontSize)
  const height = toPixels(property('height'), fontSize)
  const viewBox = readViewBox(attributes.get('viewBox'))
  if (!viewBox) return { width, height, viewBox }
  const ratio = viewBox.width / viewBox.height
  return {
    width: width ?? (height === null ? viewBox.width : height * ratio),
    height: height ?? (width === null ? viewBox.height : width / ratio),
    viewBox,
  }
}

/** A property of the style attribute, which wins over the attribute of its name. */
function styleOf(attributes: ReadonlyMap<string, string>, name: string): string | undefined {
  const declarations = (attributes.get('style') ?? '').split(';').reverse()
  for (const declaration of declarations) {
    const [property, value] = declaration.split(':')
    if (value !== undefined && property!.trim().toLowerCase() === name)
      return value.replace(/!\s*important/i, '')
  }
  return undefined
}

function toPixels(value: string | undefined, fontSize: number): number | null {
  const [, number, unit] = length.exec(value ?? '') ?? []
  if (number === undefined) return null
  const key = unit!.toLowerCase()
  const scale = pixelsPerUnit[key] ?? (key in fontSizesPerUnit ? fontSizesPerUnit[key]! * fontSize : null)
  const pixels = scale === null ? -1 : Number(number) * scale
  return pixels >= 0 ? pixels : null
}

function readViewBox(value: string | undefined): ViewBox | null {
  const numbers = (value ?? '')
    .trim()
    .split(/\s*,\s*|\s+/)
    .map(Number)
  if (!value || numbers.length !== 4 || !numbers.every(Number.isFinite)) return null
  const [, , width, height] = numbers as [number, number, number, number]
  return width >= 0 && height >= 0 ? { width, height } : null
}
