/** The encodings of XML: of SVGs, and of XMP packets. */

/** The encoding that a file's first bytes show or declare; UTF-8 where they say nothing. */
function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0 && isStart(second)) return 'utf-16be'
  if (isStart(first) && second === 0) return 'utf-16le'
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 300)).toString('latin1')
  const declared = /^(?:\xef\xbb\xbf)?\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head)?.[1]
  // A file of single bytes is no UTF-16, whatever it declares.
  return declared === undefined || /^(utf-?8|utf-?16|ucs-?2|us-ascii$)/i.test(declared) ? 'utf-8' : declared
}

/** `<` or a blank. */
const isStart = (byte: number | undefined) =>
  byte === 0x3c || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

function decoder(encoding: string): TextDecoder | null {
  try {
    return new TextDecoder(encoding, { fatal: encoding === 'utf-8' })
  } catch {
    return null
  }
}

/** The text of XML in whatever encoding; a last character that is cut off is left out. */
export function decodeXml(bytes: Uint8Array): string {
  try {
    return (decoder(encodingOf(bytes)) ?? decoder('utf-8')!).decode(bytes, { stream: true })
  } catch {
    // It says UTF-8, or nothing, and is something else: of the rest this is the most frequent by far.
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** The same XML in UTF-8, which every parser reads; the very bytes where they are in UTF-8, or in no known encoding. */
export function utf8Xml(bytes: Uint8Array): Buffer {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const encoding = encodingOf(bytes)
  const known = encoding === 'utf-8' ? null : decoder(encoding)
  // The first bytes of other files may look like a byte order mark.
  if (!known || !/^\s*</.test(decoder(encoding)!.decode(bytes.subarray(0, 1000), { stream: true })))
    return file
  const text = known.decode(bytes).replace(/^(\s*<\?xml\s[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')/, '$1')
  return Buffer.from(text)
}
