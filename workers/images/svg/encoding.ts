/** SVGs in UTF-16, which the checks and the renderer do not read, as UTF-8. */

/** The bytes of an SVG in an encoding that holds ASCII as it is: the same ones, but for UTF-16. */
export function utf8OrBytes(bytes: Uint8Array): Buffer {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const encoding = utf16Encoding(bytes)
  if (!encoding) return file
  const text = new TextDecoder(encoding).decode(bytes)
  return Buffer.from(text.replace(/^(<\?xml[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')/, '$1'))
}

/** By the byte order mark. */
function utf16Encoding([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return null
}
