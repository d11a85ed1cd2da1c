/** Which SVGs are drawn, and what is wrong with those that are not, said in the product's words. */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { ItemError } from '../../errors.ts'
import { ElementCounter } from './count.ts'

/** What an SVG may draw, in elements. Rendering cannot be stopped once it has begun. */
export const drawnLimit = 200_000

/** Errors of XML after which the rest is left to the renderer, which refuses most of them. */
const mostErrors = 1000

/**
 * An entity that is a parameter of the document type, stands in another file, or is made of other entities or of markup,
 * be it by the numbers of & and <.
 */
const unread =
  /<!ENTITY\s+(?:%|[^\s"'<>]+\s+(?:SYSTEM|PUBLIC|"[^"]*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)|'[^']*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)))/i

/**
 * Before the renderer sees it: nothing that grows when it is read. Entities that stand for plain text, as editors write them
 * for namespaces, are read.
 * @throws ItemError
 */
export function checkSvg(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const type = file.indexOf('<!DOCTYPE')
  if (type >= 0 && unread.test(file.toString('latin1', type)))
    throw new ItemError(
      'INVALID',
      'The SVG declares entities made of other entities or of elements, or kept in other files, which are not read; write out what they stand for.',
    )
  if ((file.includes('<use') || file.includes(':use')) && drawnByUse(file.toString('utf8')) > drawnLimit)
    throw new ItemError(
      'INVALID',
      `The SVG draws more than ${drawnLimit} elements when its <use> are written out; simplify it, or send it as PNG.`,
    )
}

/** Elements that an SVG draws. What is wrong with its XML, the renderer says. */
function drawnByUse(text: string): number {
  const drawn = new ElementCounter()
  const parser = new SaxesParser()
  let errors = 0
  let deepest = 0
  parser.on('error', () => void errors++)
  parser.on('doctype', (type) => {
    for (const [, name] of type.matchAll(/<!ENTITY\s+(\S+)/g)) parser.ENTITIES[name!] = ''
  })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    const kept = ['id', 'href', 'xlink:href'].flatMap((key) =>
      key in attributes ? [[key, attributes[key]!]] : [],
    )
    deepest = Math.max(deepest, drawn.open(name.replace(/^.*:/, ''), Object.fromEntries(kept)))
  })
  parser.on('closetag', () => drawn.close())
  for (let at = 0; at < text.length; at += piece) {
    // The renderer refuses what is deeper, and nearly all that is no XML.
    if (errors > mostErrors || deepest > 1000) return 0
    parser.write(text.slice(at, at + piece))
  }
  parser.close()
  return drawn.count()
}

/** Characters that are read at once. */
const piece = 65_536

/** What the renderer (librsvg, by libvips) says of an SVG; null when it is about something else. */
export function svgError(cause: Error): ItemError | null {
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
