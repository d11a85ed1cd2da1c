/** An SVG as text in which colours can be exchanged and nothing else. */
import { type SaxesAttributeNSIncomplete, SaxesParser, type SaxesTagPlain } from 'saxes'
import { ItemError } from '../../errors.ts'
import { parseColour, type Rgb } from './colours.ts'
import { DrawnElements } from './drawn.ts'

export const svgLimits = { bytes: 2 * 2 ** 20, elements: 20_000, colours: 64, depth: 200 }

/** A place in the text where a colour stands. */
interface Slot {
  start: number
  end: number
  group: number
}

/** What shares a colour: it is changed together. */
export interface ColourGroup {
  colour: Rgb
  /** Hex digits of the opacity written into the colour itself; empty when it is opaque. */
  alpha: string
}

/** Elements that act, or that hold what is no SVG. */
const active =
  /^(script|foreignObject|iframe|object|embed|audio|video|handler|listener|set|animate\w*|discard|mpath)$/i
const isInside = (reference: string) =>
  reference.trim().startsWith('#') || /^data:image\/(png|jpeg|webp|gif);base64,/i.test(reference.trim())

const colourProperties = 'fill|stroke|stop-color|color|flood-color|lighting-color'
const isColourProperty = new RegExp(`^(${colourProperties})$`)
const declaration = new RegExp(`(?<![\\w-])(?:${colourProperties})\\s*:\\s*([^;}"']+)`, 'gi')

/** An SVG that is safe to render, and its colours. */
export class ColouredSvg {
  readonly groups: ColourGroup[] = []
  readonly #text: string
  readonly #slots: Slot[] = []
  readonly #byColour = new Map<string, number>()

  /** @throws ItemError when it is no SVG, reaches outside of itself, or is too large */
  constructor(bytes: Uint8Array) {
    if (bytes.length > svgLimits.bytes)
      throw new ItemError(
        'TOO_LARGE',
        `The SVG has ${bytes.length} bytes; at most ${svgLimits.bytes} are taken.`,
      )
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      throw new ItemError('UNREADABLE_IMAGE', 'The SVG is not UTF-8 text.')
    }
    // Positions are counted in what the parser reads, which has no carriage returns.
    this.#text = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
    this.#read()
    this.#slots.sort((a, b) => a.start - b.start)
  }

  /** The SVG with other colours, `#rrggbb` for each group. */
  with(colours: readonly string[]): string {
    let out = ''
    let at = 0
    for (const { start, end, group } of this.#slots) {
      const value = colours[group]! + this.groups[group]!.alpha
      // An empty slot is the root's missing fill.
      out += this.#text.slice(at, start) + (start === end ? ` fill="${value}"` : value)
      at = end
    }
    return out + this.#text.slice(at)
  }

  /** Drops the groups that do not show. */
  keep(shown: (group: number) => boolean): void {
    const kept = this.groups.map((_, i) => i).filter(shown)
    const place = new Map(kept.map((old, now) => [old, now]))
    const slots = this.#slots.flatMap((slot) => {
      const group = place.get(slot.group)
      return group === undefined ? [] : [{ ...slot, group }]
    })
    this.#slots.splice(0, Infinity, ...slots)
    this.groups.splice(0, Infinity, ...kept.map((i) => this.groups[i]!))
  }

  #read(): void {
    const parser = new SaxesParser()
    let elements = 0
    let styleFrom = -1
    const drawn = new DrawnElements()
    const refuse = (why: string): never => {
      throw new ItemError('INVALID', `The SVG ${why}.`)
    }
    parser.on('error', (error) => {
      throw new ItemError('UNREADABLE_IMAGE', `The SVG is not well formed (${error.message.slice(0, 120)}).`)
    })
    parser.on('doctype', (doctype) => {
      if (doctype.includes('[')) refuse('declares entities, which are not read')
    })
    parser.on('processinginstruction', ({ target }) => refuse(`holds <?${target.slice(0, 40)}?>`))
    parser.on('attribute', (attribute) => this.#attribute(attribute, parser.position, refuse))
    parser.on('opentag', (tag: SaxesTagPlain) => {
      const name = tag.name.replace(/^.*:/, '')
      if (elements++ === 0) {
        if (name !== 'svg') refuse(`begins with <${name.slice(0, 40)}>`)
        const styled = /(?<![\w-])fill\s*:/.test(String(tag.attributes.style ?? ''))
        if (!('fill' in tag.attributes) && !styled) {
          // Shapes without a fill are black: as if the root said so.
          const end = parser.position - (tag.isSelfClosing ? 2 : 1)
          this.#slots.push({ start: end, end, group: this.#group('#000000')! })
        }
      }
      if (elements > svgLimits.elements) refuse(`has more than ${svgLimits.elements} elements`)
      if (active.test(name)) refuse(`holds <${name}>, which is not rendered`)
      if (name === 'style') styleFrom = parser.position
      if (drawn.open(name, tag.attributes as Record<string, string>) > svgLimits.depth)
        refuse(`nests more than ${svgLimits.depth} elements`)
    })
    parser.on('closetag', (tag) => {
      drawn.close()
      if (tag.name.replace(/^.*:/, '') !== 'style' || styleFrom < 0) return
      const end = this.#text.lastIndexOf('</', parser.position)
      const sheet = this.#text.slice(styleFrom, Math.max(styleFrom, end))
      if (sheet.includes('&')) refuse('has a style sheet with entities, which are not read')
      drawn.sheet(sheet)
      this.#declarations(styleFrom, styleFrom + sheet.length, refuse)
      styleFrom = -1
    })
    parser.write(this.#text).close()
    if (drawn.count() > svgLimits.elements)
      refuse(`draws more than ${svgLimits.elements} elements by <use> and other references`)
  }

  #attribute(
    { name, value }: SaxesAttributeNSIncomplete | { name: string; value: string },
    position: number,
    refuse: (why: string) => never,
  ): void {
    const bare = name.replace(/^.*:/, '')
    if (/^on/i.test(bare)) refuse(`has the event handler ${bare.slice(0, 40)}`)
    if (bare === 'href' || bare === 'src') {
      if (!isInside(value)) refuse(`refers to "${value.slice(0, 60)}"; only its own parts can be used`)
    } else if (/^xmlns/.test(name) && value.trim() === 'http://www.w3.org/1999/xhtml')
      refuse('holds HTML, which is not rendered')
    else if (bare === 'srcset') refuse('has a srcset, which is not rendered')
    this.#checkReferences(value, refuse)
    // The text ends with the closing quote.
    const end = position - 1
    const start = this.#text.lastIndexOf(this.#text[end]!, end - 1) + 1
    if (bare === 'style') this.#declarations(start, end, refuse)
    else if (isColourProperty.test(bare)) this.#slot(start, end)
  }

  #checkReferences(value: string, refuse: (why: string) => never): void {
    for (const [, target] of value.matchAll(/url\(\s*['"]?\s*([^'")\s]*)/gi))
      if (!isInside(target!)) refuse(`refers to "${target!.slice(0, 60)}"; only its own parts can be used`)
  }

  #declarations(start: number, end: number, refuse: (why: string) => never): void {
    const text = this.#text.slice(start, end)
    if (/@import|image-set|\bsrc\s*\(/i.test(text)) refuse('has styles that refer to files')
    if (text.includes('\\')) refuse('has styles with escapes, which are not read')
    this.#checkReferences(text, refuse)
    for (const match of text.matchAll(declaration)) {
      const value = match[1]!.replace(/!important.*$/i, '')
      const from = start + match.index + match[0].length - match[1]!.length
      this.#slot(from, from + value.trimEnd().length)
    }
  }

  #slot(start: number, end: number): void {
    const group = this.#group(this.#text.slice(start, end).trim())
    if (group !== null) this.#slots.push({ start, end, group })
  }

  #group(value: string): number | null {
    const current = /^currentcolor$/i.test(value)
    const colour = current ? ([0, 0, 0] as const) : parseColour(value)
    if (!colour) return null
    const alpha = current ? '' : alphaOf(value)
    if (alpha === '00') return null
    const key = current ? 'currentColor' : colour.join() + alpha
    const known = this.#byColour.get(key)
    if (known !== undefined) return known
    if (this.groups.length >= svgLimits.colours)
      throw new ItemError('INVALID', `The SVG has more than ${svgLimits.colours} colours.`)
    this.#byColour.set(key, this.groups.length)
    return this.groups.push({ colour, alpha }) - 1
  }
}

/** Opacity that is written into a colour, as two hex digits; empty when it is opaque. */
function alphaOf(value: string): string {
  const digits = /^#(?:[0-9a-f]{3}([0-9a-f])|[0-9a-f]{6}([0-9a-f]{2}))$/i.exec(value)
  if (digits) return (digits[1] ? digits[1] + digits[1] : digits[2]!).toLowerCase().replace(/^ff$/, '')
  const given = /[,/]\s*([\d.]+)(%?)\s*\)$/.exec(value)
  if (!given || !/^(rgba|hsla)|\//i.test(value)) return value === 'transparent' ? '00' : ''
  const opacity = Math.min(1, Number(given[1]) / (given[2] ? 100 : 1))
  const written = Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')
  return written === 'ff' ? '' : written
}
