/** Checks SVGs before they are rendered, and turns the renderer's errors into the product's. */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { ItemError } from '../../errors.ts'
import { utf8Xml } from '../formats/xml-encoding.ts'
import { ElementCounter } from './count.ts'

/** The maximum elements of an SVG once every reference is written out. Rendering them cannot be stopped. */
const maxElements = 200_000

/** After this many XML errors, or this deep, counting stops: the renderer refuses such files. */
const maxXmlErrors = 1000
const maxDepth = 1000

/**
 * Matches an entity that is a parameter of the document type, stands in another file, or consists of other entities or
 * of markup, also where & and < are written by their numbers.
 */
const refusedEntity =
  /<!ENTITY\s+(?:%|[^\s"'<>]+\s+(?:SYSTEM|PUBLIC|"[^"]*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)|'[^']*(?:<|&(?!#)|&#0*(?:38|60|x0*26|x0*3c);)))/i

/**
 * Refuses SVGs that grow when a parser reads them or a renderer follows their references. Entities for plain text, as
 * editors write them for namespaces, are fine.
 * @throws ItemError
 */
export function checkSvg(bytes: Uint8Array): void {
  const file = utf8Xml(bytes)
  const type = file.indexOf('<!DOCTYPE')
  if (type >= 0 && refusedEntity.test(file.toString('latin1', type)))
    throw new ItemError(
      'INVALID',
      'The SVG declares entities made of other entities or of elements, or kept in other files, which are not read; write out what they stand for.',
    )
  if ((file.includes('<use') || file.includes(':use')) && countElements(file.toString('utf8')) > maxElements)
    throw new ItemError(
      'INVALID',
      `The SVG draws more than ${maxElements} elements when its <use> are written out; simplify it, or send it as PNG.`,
    )
}

/** Elements with every reference written out; 0 for files that the renderer refuses anyway, with a better message. */
function countElements(text: string): number {
  const counter = new ElementCounter()
  const parser = new SaxesParser()
  let errors = 0
  let depth = 0
  parser.on('error', () => void errors++)
  parser.on('doctype', (type) => {
    for (const [, name] of type.matchAll(/<!ENTITY\s+(\S+)/g)) parser.ENTITIES[name!] = ''
  })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    const kept = ['id', 'href', 'xlink:href'].flatMap((key) =>
      key in attributes ? [[key, attributes[key]!]] : [],
    )
    depth = Math.max(depth, counter.open(name.replace(/^.*:/, ''), Object.fromEntries(kept)))
  })
  parser.on('closetag', () => counter.close())
  for (let offset = 0; offset < text.length; offset += chunk) {
    if (errors > maxXmlErrors || depth > maxDepth) return 0
    parser.write(text.slice(offset, offset + chunk))
  }
  parser.close()
  return counter.count()
}

/** Characters between two looks at the counts. */
const chunk = 65_536

/** An error of the renderer (librsvg, by libvips) as the product's; null when it is not about SVG. */
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
