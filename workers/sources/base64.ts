import { ItemError } from '../errors.ts'

/**
 * Bytes of an image given as base64 (either alphabet, line breaks allowed) or as a data: URI (base64 or
 * percent-encoded, as design tools write SVG). Ignores the media type of a data: URI: the bytes tell the format. Checks
 * the size before it decodes anything.
 * @throws ItemError EMPTY, INVALID, TOO_LARGE
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array {
  if (!/^\s*data:/i.test(text.slice(0, 64))) return decodeBody(text, maxBytes)
  const comma = text.indexOf(',')
  if (comma < 0) throw invalid('The data: URI has no comma.')
  const body = text.slice(comma + 1)
  if (!/;\s*base64\s*$/i.test(text.slice(0, comma))) return decodePercent(body, maxBytes)
  const plain = body.includes('%')
    ? body.replace(/%(2b|2f|3d)/gi, (escaped) => decodeURIComponent(escaped))
    : body
  return decodeBody(plain, maxBytes)
}

function decodeBody(text: string, maxBytes: number): Uint8Array {
  // A guard before the text is copied: line breaks are at most 2 of 78 characters.
  if (text.length * 0.7 > maxBytes + 1024) throw tooLarge(Math.floor(text.length * 0.75), maxBytes)
  const body = /\s/.test(text) ? text.replace(/\s+/g, '') : text
  const padding = body.endsWith('==') ? 2 : body.endsWith('=') ? 1 : 0
  const digits = body.length - padding
  if (digits === 0) throw empty()
  const size = Math.floor((digits * 3) / 4)
  if (size > maxBytes) throw tooLarge(size, maxBytes)
  if (digits % 4 === 1 || (padding > 0 && body.length % 4 !== 0))
    throw invalid(`The base64 text was cut: ${body.length} characters make no whole number of bytes.`)
  // Buffer skips characters that are no base64 digits: then bytes are missing.
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length !== size) {
    const position = body.search(/[^A-Za-z0-9+/_-]/)
    throw invalid(`The text is not base64: ${JSON.stringify(body[position])} at position ${position}.`)
  }
  return bytes
}

/** RFC 2397: escapes stand for octets, not text. Unescaped characters beyond ASCII become UTF-8. */
function decodePercent(body: string, maxBytes: number): Uint8Array {
  if (body.length / 3 > maxBytes) throw tooLarge(Math.floor(body.length / 3), maxBytes)
  const source = Buffer.from(body, 'utf8')
  let length = 0
  // In place: the decoded bytes never overtake the read ones.
  for (let i = 0; i < source.length; i++) {
    const digits = source[i] === 0x25 ? source.toString('latin1', i + 1, i + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(digits)) {
      source[length++] = Number.parseInt(digits, 16)
      i += 2
    } else source[length++] = source[i]!
  }
  if (length === 0) throw empty()
  if (length > maxBytes) throw tooLarge(length, maxBytes)
  return source.subarray(0, length)
}

const empty = () => new ItemError('EMPTY', 'The base64 text holds no bytes.')

const invalid = (what: string) =>
  new ItemError(
    'INVALID',
    `${what} Give plain base64 or a data: URI such as data:image/png;base64,iVBORw0...`,
  )

const tooLarge = (size: number, maxBytes: number) =>
  new ItemError(
    'TOO_LARGE',
    `The image has about ${size} bytes; the limit is ${maxBytes}. Send a smaller version.`,
    { limit: maxBytes, given: size },
  )
