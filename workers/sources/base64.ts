import { ItemError } from '../errors.ts'

/**
 * Bytes of raw base64 or of a data: URI with base64 in it; the URL-safe alphabet and line breaks are taken too. What
 * the bytes are is looked at later: the media type of a data: URI is not believed.
 * @throws ItemError EMPTY, TOO_LARGE (before anything is decoded), INVALID
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array {
  const body = text.startsWith('data:') ? dataUriBody(text) : text
  if (body.trim() === '') throw new ItemError('EMPTY', 'The base64 text is empty.')
  const size = Math.floor((body.length * 3) / 4)
  // Line breaks of MIME, 2 in 78 characters, do not count against a picture.
  if (size > maxBytes * 1.05 + 4)
    throw new ItemError('TOO_LARGE', `The base64 text holds about ${size} bytes; the limit is ${maxBytes}.`)
  if (!/^[A-Za-z0-9+/_\-\s]*={0,2}\s*$/.test(body)) {
    const at = body.search(/[^A-Za-z0-9+/_\-\s=]/)
    throw new ItemError(
      'INVALID',
      at < 0
        ? 'The base64 text has "=" in its middle.'
        : `The text is not base64: character ${at} is none of its alphabet.`,
    )
  }
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length === 0) throw new ItemError('INVALID', 'The base64 text is too short to hold a byte.')
  return bytes
}

function dataUriBody(uri: string): string {
  const comma = uri.indexOf(',')
  if (comma < 0 || !/;base64$/i.test(uri.slice(0, comma)))
    throw new ItemError('INVALID', 'A data: URI must have the form data:image/png;base64,...')
  return uri.slice(comma + 1)
}
