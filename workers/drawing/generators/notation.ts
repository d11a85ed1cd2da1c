/** The notations of a colour that the renderer (librsvg) draws, read as CSS Color 4 says. */
import colorNames from 'color-name'

/** Red, green and blue in 0..1. */
export type Rgb = readonly [number, number, number]

export interface Colour {
  rgb: Rgb
  /** Opacity that is written into the colour, 0..1. */
  alpha: number
}

/**
 * Hex, a name, rgb(), hsl() or hwb(), with commas or without. Null for everything else: notations that the renderer does
 * not draw either (lab(), color-mix()), references (currentColor, var()), and text that is no colour.
 */
export function readColour(text: string): Colour | null {
  const value = text.trim().toLowerCase()
  const digits = /^#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/.exec(value)?.[1]
  if (digits) {
    const pairs = digits.length < 6 ? [...digits].map((d) => d + d) : digits.match(/../g)!
    const [r, g, b, alpha = 255] = pairs.map((pair) => Number.parseInt(pair, 16))
    return { rgb: [r! / 255, g! / 255, b! / 255], alpha: alpha / 255 }
  }
  if (/^[a-z]+$/.test(value)) {
    if (value === 'transparent') return { rgb: [0, 0, 0], alpha: 0 }
    return Object.hasOwn(colorNames, value) ? { rgb: bytes(colorNames[value]!), alpha: 1 } : null
  }
  const [, name, inner] = /^(rgba?|hsla?|hwb)\(([^()]*)\)$/.exec(value) ?? []
  return name ? readFunction(name.slice(0, 3), inner!) : null
}

function readFunction(name: string, inner: string): Colour | null {
  const commas = inner.includes(',')
  const [plain, ...after] = commas ? [inner] : inner.split('/')
  const parts = commas ? plain!.split(',') : plain!.trim().split(/\s+/)
  const [opacity, ...more] = commas ? parts.splice(3) : after
  if (parts.length !== 3 || more.length > 0 || (commas && name === 'hwb')) return null
  const [a, b, c] = parts.map((part) => readNumber(part, !commas))
  const alpha = opacity === undefined ? { value: 1, unit: '' } : readNumber(opacity, !commas)
  if (!a || !b || !c || !alpha || !/^%?$/.test(alpha.unit)) return null
  const rgb = name === 'rgb' ? red([a, b, c], commas) : hue(name, a, b, c)
  return rgb && { rgb: bytes(rgb), alpha: clamped(share(alpha)) }
}

interface Quantity {
  value: number
  /** `none` has any unit. */
  unit: string
  none?: boolean
}

function readNumber(text: string, noneIsRead: boolean): Quantity | null {
  if (noneIsRead && text.trim() === 'none') return { value: 0, unit: '', none: true }
  const found = /^\s*([+-]?(?:\d*\.)?\d+(?:e[+-]?\d+)?)(%|deg|grad|rad|turn)?\s*$/.exec(text)
  return found && { value: Number(found[1]), unit: found[2] ?? '' }
}

const share = ({ value, unit }: Quantity) => (unit === '%' ? value / 100 : value)
const clamped = (v: number) => Math.min(1, Math.max(0, v))
/** Rounded as the renderer rounds: the colour that is read is the one that was drawn. */
const bytes = (values: readonly number[]): Rgb =>
  values.map((v) => Math.round(Math.min(255, Math.max(0, v))) / 255) as unknown as Rgb

/** With commas all three are percentages or none is. */
function red(parts: readonly Quantity[], commas: boolean): number[] | null {
  if (parts.some(({ unit }) => unit !== '' && unit !== '%')) return null
  if (commas && parts.some(({ unit }) => unit !== parts[0]!.unit)) return null
  return parts.map(({ value, unit }) => (unit === '%' ? value * 2.55 : value))
}

const degrees: Record<string, number> = { '': 1, deg: 1, grad: 0.9, rad: 180 / Math.PI, turn: 360 }

function hue(name: string, angle: Quantity, b: Quantity, c: Quantity): number[] | null {
  const turn = degrees[angle.unit]
  if (turn === undefined || [b, c].some(({ unit, none }) => unit !== '%' && !none)) return null
  const [first, second] = [clamped(b.value / 100), clamped(c.value / 100)]
  const at = (offset: number, saturation: number, lightness: number) => {
    const k = (((offset + (angle.value * turn) / 30) % 12) + 12) % 12
    return (
      lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1))
    )
  }
  if (name === 'hsl') return [0, 8, 4].map((offset) => 255 * at(offset, first, second))
  const whole = first + second
  if (whole >= 1) return [0, 0, 0].map(() => (255 * first) / whole)
  return [0, 8, 4].map((offset) => 255 * (at(offset, 1, 0.5) * (1 - whole) + first))
}
