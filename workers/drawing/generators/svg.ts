/** An SVG as text in which colours can be exchanged and nothing else. */
import { type SaxesAttributeNSIncomplete, SaxesParser, type SaxesTagPlain } from 'saxes'
import { ItemError } from '../../errors.ts'
import { signature } from '../../images/formats/signature.ts'
import { ElementCounter } from '../../images/svg/count.ts'
import { type Colour, type Rgb, readColour } from './notation.ts'

export const svgLimits = { bytes: 2 * 2 ** 20, elements: 20_000, colours: 64, depth: 200 }

/** A place in the text where a colour stands, or, where start is end, where an attribute can be added that gives it. */
interface Slot {
  start: number
  end: number
  group: number
  attribute: string
  /** Written there, whatever the group's colour is. */
  settled?: string
}

/** All places that share a colour, and are changed together. */
export interface ColourGroup {
  colour: Rgb
  /** Hex digits of the opacity written into the colour itself; empty when it is opaque. */
  alpha: string
}

/** Elements that act, or that hold other languages than SVG. */
const active =
  /^(script|foreignObject|iframe|object|embed|audio|video|handler|listener|set|animate\w*|discard|mpath)$/i
const isInside = (reference: string) =>
  reference.trim().startsWith('#') || /^data:image\/(png|jpeg|webp|gif);base64,/i.test(reference.trim())

const colourProperties = 'fill|stroke|stop-color|color|flood-color|lighting-color'
const isColourProperty = new RegExp(`^(${colourProperties})$`)
const declaration = new RegExp(`(?<![\\w-])(${colourProperties})\\s*:\\s*([^;{}]+)`, 'gi')

/** Paint that is no colour of its own. `inherit` elsewhere would be a black or white that stands nowhere. */
const noColour: Readonly<Record<string, RegExp>> = {
  fill: /^(none|inherit|currentcolor|context-fill|context-stroke)$/i,
  stroke: /^(none|inherit|currentcolor|context-fill|context-stroke)$/i,
  color: /^(inherit|currentcolor)$/i,
}
const current = /^currentcolor$/i

/** Colours that elements have where none is given, and do not take from what is around them. */
const defaultColours: Readonly<Record<string, readonly [attribute: string, colour: string]>> = {
  stop: ['stop-color', '#000000'],
  feFlood: ['flood-color', '#000000'],
  feDropShadow: ['flood-color', '#000000'],
  feDiffuseLighting: ['lighting-color', '#ffffff'],
  feSpecularLighting: ['lighting-color', '#ffffff'],
}

/** An SVG that is safe to render, and its colours. */
export class ColouredSvg {
  readonly groups: ColourGroup[] = []
  readonly #text: string
  readonly #slots: Slot[] = []
  readonly #byColour = new Map<string, number>()
  #usesCurrent = false
  #atRoot = true

  /** @throws ItemError when it is no SVG, reaches outside of itself, or is too large */
  constructor(bytes: Uint8Array) {
    const format = signature(bytes)
    if (format)
      throw new ItemError(
        'UNSUPPORTED_FORMAT',
        `RECOLOUR needs an SVG to start from; this is ${/^A/.test(format) ? 'an' : 'a'} ${format}.`,
      )
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
    // The parser counts positions in text without carriage returns.
    this.#text = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
    this.#read()
    this.#slots.sort((a, b) => a.start - b.start)
  }

  /** The SVG with other colours, `#rrggbb` for each group. */
  with(colours: readonly string[]): string {
    let out = ''
    let at = 0
    for (const { start, end, group, attribute, settled } of this.#slots) {
      const value = settled ?? colours[group]! + this.groups[group]!.alpha
      out += this.#text.slice(at, start) + (start === end ? ` ${attribute}="${value}"` : value)
      at = end
    }
    return out + this.#text.slice(at)
  }

  /** Drops the groups that do not show. `settle` gives the colours that they have from then on; else they keep theirs. */
  keep(shown: (group: number) => boolean, settle: ((colour: Rgb) => string) | null): void {
    const kept = this.groups.map((_, i) => i).filter(shown)
    const place = new Map(kept.map((old, now) => [old, now]))
    const slots = this.#slots.flatMap((slot): Slot[] => {
      const group = place.get(slot.group)
      if (group !== undefined) return [{ ...slot, group }]
      if (!settle || slot.start === slot.end) return []
      const { colour, alpha } = this.groups[slot.group]!
      return [{ ...slot, settled: settle(colour) + alpha }]
    })
    this.#slots.splice(0, Infinity, ...slots)
    this.groups.splice(0, Infinity, ...kept.map((i) => this.groups[i]!))
  }

  #read(): void {
    const parser = new SaxesParser()
    let elements = 0
    let styleFrom = -1
    let addRootColour = () => {}
    const drawn = new ElementCounter()
    const refuse = (why: string): never => {
      throw new ItemError('INVALID', `The SVG ${why}.`)
    }
    parser.on('error', (error) => {
      const [, line, column] = /^(\d+):(\d+):/.exec(error.message) ?? []
      const place = line ? ` at line ${line}, column ${column}` : ''
      throw new ItemError('UNREADABLE_IMAGE', `The SVG is cut short, or not well-formed XML${place}.`, {
        cause: error,
      })
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
        // Shapes without a fill are black, and so is the current colour where none is set: as if the root had set both.
        this.#addDefault(tag, parser.position, 'fill', '#000000')
        const at = parser.position
        addRootColour = () => this.#addDefault(tag, at, 'color', '#000000')
      }
      this.#atRoot = false
      const defaultColour = defaultColours[name]
      if (defaultColour) this.#addDefault(tag, parser.position, ...defaultColour)
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
    if (this.#usesCurrent) addRootColour()
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
    this.#checkValue(value, refuse)
    // The text ends with the closing quote.
    const end = position - 1
    const start = this.#text.lastIndexOf(this.#text[end]!, end - 1) + 1
    if (bare === 'style') this.#declarations(start, end, refuse)
    else if (isColourProperty.test(name)) this.#slot(name, start, this.#text.slice(start, end), refuse)
  }

  #checkValue(value: string, refuse: (why: string) => never): void {
    for (const [, target] of value.matchAll(/url\(\s*['"]?\s*([^'")\s]*)/gi))
      if (!isInside(target!)) refuse(`refers to "${target!.slice(0, 60)}"; only its own parts can be used`)
    if (/\bdrop-shadow\(/i.test(value))
      refuse('has a drop-shadow(), whose colour is not changed; use <feDropShadow> instead')
  }

  #declarations(start: number, end: number, refuse: (why: string) => never): void {
    const text = withoutComments(this.#text.slice(start, end)).replace(quotes, (quote) =>
      '"'.padEnd(quote.length),
    )
    if (/@import|image-set|\bsrc\s*\(/i.test(text)) refuse('has styles that refer to files')
    if (text.includes('\\')) refuse('has styles with escapes, which are not read')
    if (text.includes('&#')) refuse('has styles with entities, which are not read')
    this.#checkValue(text, refuse)
    for (const match of text.matchAll(declaration)) {
      // Not a selector such as `.fill:hover`.
      if (!'{;}'.includes(text.slice(0, match.index).trimEnd().at(-1) ?? ';')) continue
      const value = match[2]!.replace(/!\s*important\s*$/i, '')
      const from = start + match.index + match[0].length - match[2]!.length
      this.#slot(match[1]!.toLowerCase(), from, value, refuse)
    }
  }

  /** A colour, or `url(#paint)` and the colour that is drawn where there is no such paint. */
  #slot(property: string, from: number, given: string, refuse: (why: string) => never): void {
    const paint = /^\s*url\([^)]*\)/i.exec(given)?.[0] ?? ''
    const value = given.slice(paint.length).trim()
    if (value === '' && (paint || property in noColour)) return
    // Around the root there is nothing to inherit from: its colours are black then.
    const black =
      this.#atRoot &&
      (property === 'color' ? noColour.color!.test(value) : property === 'fill' && /^inherit$/i.test(value))
    if (!black && current.test(value)) this.#usesCurrent = true
    if (!black && (noColour[property] ?? current).test(value)) return
    const colour = readColour(black ? '#000000' : value)
    const start = from + given.indexOf(value, paint.length)
    if (colour) this.#add(start, start + value.length, property, colour)
    else
      refuse(
        `has ${property} "${value.slice(0, 60)}", which cannot be read as a colour; write it like #0a84ff`,
      )
  }

  /** The place where an element that does not give a colour could give it. Styles and style sheets come before it. */
  #addDefault(
    { attributes, isSelfClosing }: SaxesTagPlain,
    after: number,
    attribute: string,
    colour: string,
  ): void {
    const styled = new RegExp(`(?<![\\w-])${attribute}\\s*:`, 'i').test(String(attributes.style ?? ''))
    if (attribute in attributes || styled) return
    const at = after - (isSelfClosing ? 2 : 1)
    this.#add(at, at, attribute, readColour(colour)!)
  }

  #add(start: number, end: number, attribute: string, { rgb, alpha: opacity }: Colour): void {
    const digits = Math.round(opacity * 255)
    if (digits === 0) return
    const alpha = digits === 255 ? '' : digits.toString(16).padStart(2, '0')
    const key = rgb.join() + alpha
    let group = this.#byColour.get(key)
    if (group === undefined) {
      if (this.groups.length >= svgLimits.colours)
        throw new ItemError('INVALID', `The SVG has more than ${svgLimits.colours} colours.`)
      group = this.groups.push({ colour: rgb, alpha }) - 1
      this.#byColour.set(key, group)
    }
    this.#slots.push({ start, end, group, attribute })
  }
}

/** Quotes as an attribute must write them. */
const quotes = /&(?:quot|apos|#0*3[49]|#x0*2[27]);/gi

/** The text with blanks for comments: every place stays where it is. */
function withoutComments(text: string): string {
  let out = ''
  let at = 0
  for (let from = text.indexOf('/*'); from >= 0; from = text.indexOf('/*', at)) {
    const close = text.indexOf('*/', from + 2)
    const to = close < 0 ? text.length : close + 2
    out += text.slice(at, from) + ' '.repeat(to - from)
    at = to
  }
  return out + text.slice(at)
}
