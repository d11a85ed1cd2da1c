/** Which SVGs are drawn, and what is wrong with those that are not, said in the product's words. */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { ItemError } from '../errors.ts'
import { DrawnElements } from './drawn.ts'

/** What an SVG may draw, in elements; a step of a filter counts for fifty. Some seconds of one core at most. */
export const drawnLimit = 200_000
const effect = 50

/** Nothing smaller than this has so many elements, unless it refers to some of them again; */
const smallest = 4 * drawnLimit
/** which it does not without one of these, two of which may hide others. */
const multiplying = ['<use', ':use', 'url(', 'filter', 'data:', 'stylesheet', '<!ENTITY', '&#', '\\']

/** Images in images in images that are looked into. */
const deepest = 3

/** Errors of XML, each of which takes time; the renderer refuses most of them. */
const mostErrors = 1000

/** Text that begins with a tag, which is an SVG or nothing. */
export const isMarkup = (text: string) => /^(\xef\xbb\xbf)?\s*</.test(text)

/**
 * An entity that is a parameter of the document type, stands in another file, or is made of other entities or of markup,
 * be it by the numbers of & and <.
 */
const unread =
  /<!ENTITY\s+(?:%|[^\s"'<>]+\s+(?:SYSTEM|PUBLIC|"[^"]*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)|'[^']*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)))/i

/**
 * Before the renderer sees it, which nothing stops once it has begun. Entities that stand for plain text, as editors write
 * them for namespaces, are read.
 * @throws ItemError
 */
export function checkDrawing(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const type = file.indexOf('<!DOCTYPE')
  if (type >= 0 && unread.test(file.toString('latin1', type)))
    throw new ItemError(
      'INVALID',
      'The SVG declares entities made of other entities or of elements, or kept in other files, which are not read; write out what they stand for.',
    )
  if (file.length < smallest && !multiplying.some((sign) => file.includes(sign))) return
  if (drawnBy(file.toString('latin1'), deepest) > drawnLimit)
    throw new ItemError(
      'INVALID',
      `The SVG draws more than ${drawnLimit} elements when its <use>, patterns, masks, markers and filters are written out (a step of a filter counts for ${effect}); simplify it, or send it as PNG.`,
    )
}

/** Elements that an SVG draws, those of SVGs inside it included. What is wrong with its XML, the renderer says. */
function drawnBy(text: string, depth: number): number {
  const drawn = new DrawnElements({ effect })
  const parser = new SaxesParser()
  let sheet: string | null = null
  let elements = 0
  let errors = 0
  parser.on('error', () => {
    if (++errors > mostErrors) throw new ItemError('UNREADABLE_IMAGE', 'The SVG is not well-formed XML.')
  })
  parser.on('doctype', (type) => {
    for (const [, name, , value] of type.matchAll(/<!ENTITY\s+(\S+)\s+(["'])(.*?)\2/gis))
      parser.ENTITIES[name!] = value!.replace(/&#(\d+|x[\da-f]+);/gi, (_, code) =>
        String.fromCodePoint(Math.min(Number(code.replace(/^x/i, '0x')), 0x10ffff)),
      )
  })
  // A style sheet in an address.
  parser.on('processinginstruction', ({ body }) => {
    if (/data:/i.test(body)) throw new Told(Infinity)
  })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    const bare = name.replace(/^.*:/, '')
    // The renderer refuses what is deeper.
    if (drawn.open(bare, attributes) > 1000) throw new Told(0)
    if (++elements > drawnLimit) throw new Told(Infinity)
    if (bare === 'style') sheet = ''
    for (const [key, value] of Object.entries(attributes))
      if (/^(.*:)?href$/.test(key)) drawn.add(drawnInside(value, depth))
  })
  const note = (text: string) => {
    if (sheet !== null) sheet += text
  }
  parser.on('text', note)
  parser.on('cdata', note)
  parser.on('closetag', () => {
    drawn.close()
    if (sheet === null) return
    if (/@import/i.test(sheet) && /data:/i.test(sheet)) throw new Told(Infinity)
    drawn.sheet(sheet)
    sheet = null
  })
  try {
    parser.write(text).close()
  } catch (error) {
    if (error instanceof Told) return error.elements
    throw error
  }
  return drawn.count()
}

/** What needs no more reading. */
class Told extends Error {
  readonly elements: number

  constructor(elements: number) {
    super()
    this.elements = elements
  }
}

/** Elements of an SVG in a `data:` address; none where it is of another kind. */
function drawnInside(address: string, depth: number): number {
  const comma = address.indexOf(',')
  const [, type, more] = /^\s*data:([^;]*)(.*)$/is.exec(address.slice(0, Math.max(0, comma))) ?? []
  if (type === undefined || /^image\/(png|jpe?g|gif|webp|avif)$/i.test(type)) return 0
  const data = address.slice(comma + 1)
  if (depth === 0) return Infinity
  const inner = /;\s*base64\s*$/i.test(more!)
    ? Buffer.from(data, 'base64').toString('latin1')
    : data.replace(/%([\da-f]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
  // Compressed, or made of entities, it could be any size.
  if (inner.startsWith('\x1f\x8b') || unread.test(inner)) return Infinity
  return isMarkup(inner) ? drawnBy(inner, depth - 1) : 0
}

/** What the renderer (librsvg, by libvips) says of an SVG; null when it is about something else. */
export function drawingError(cause: Error): ItemError | null {
  const { message } = cause
  if (/bad dimensions/.test(message))
    return new ItemError(
      'INVALID',
      'The SVG has no size of a pixel or more; give its <svg> element a width and height, or a viewBox.',
      { cause },
    )
  if (!/XML parse error/.test(message)) return null
  if (/\bentity\b/i.test(message))
    return new ItemError(
      'INVALID',
      'The SVG uses entities that are not read: undeclared ones, or ones that grow too long; write out what they stand for.',
      { cause },
    )
  const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? /:(\d+):(\d+):/.exec(message) ?? []
  if (/excessive depth/i.test(message))
    return new ItemError(
      'INVALID',
      'The SVG nests its elements too deeply to be drawn; flatten its groups.',
      {
        cause,
      },
    )
  const place = line ? ` at line ${line}, column ${column}` : ''
  return new ItemError('UNREADABLE_IMAGE', `The SVG is cut short, or not well-formed XML${place}.`, { cause })
}
