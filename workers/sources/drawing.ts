/** What is wrong with an SVG that does not open, said in the product's words. */
import { ItemError } from '../errors.ts'

/** As much of a file as is looked at for its document type. */
const headBytes = 64 * 1024

/** An entity that is a parameter of the document type, stands in another file, or is made of other entities. */
const unread = /<!ENTITY\s+(?:%|[^\s"'<>]+\s+(?:SYSTEM|PUBLIC|"[^"]*&(?!#)|'[^']*&(?!#)))/

/**
 * Before the renderer sees it. Entities that stand for plain text, as editors write them for namespaces, are read.
 * @throws ItemError
 */
export function checkEntities(bytes: Uint8Array): void {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, headBytes))
  const type = head.indexOf('<!DOCTYPE')
  if (type >= 0 && unread.test(head.toString('latin1', type)))
    throw new ItemError(
      'INVALID',
      'The SVG declares entities made of other entities or kept in other files, which are not read; write out what they stand for.',
    )
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
