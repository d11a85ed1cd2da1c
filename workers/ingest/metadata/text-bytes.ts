/** Texts whose encoding is not written down, or written down wrongly. */

const utf8 = new TextDecoder('utf-8', { fatal: true })
const latin1 = new TextDecoder('windows-1252')

/** IPTC cuts at 64 bytes and more; nobody cuts what is shorter. */
const shortestCut = 61

/**
 * UTF-8 where the bytes are, but for a last character that was cut off; else Latin-1, which older programs wrote.
 * `declared` says that the file calls them UTF-8.
 */
export function decodeText(bytes: Uint8Array, declared = false): string {
  const cut = cutOff(bytes)
  const whole = bytes.subarray(0, bytes.byteLength - cut)
  try {
    const text = utf8.decode(whole)
    // A text that is else ASCII may end in one letter of Latin-1.
    if (cut === 0 || declared || text.length < whole.byteLength) return text
  } catch {
    // No UTF-8.
  }
  return latin1.decode(bytes)
}

/** How many bytes at the end begin a character whose rest was cut off. */
function cutOff(bytes: Uint8Array): number {
  if (bytes.byteLength < shortestCut) return 0
  for (let count = 1; count <= 3; count++) {
    const byte = bytes[bytes.byteLength - count]!
    if (byte >= 0xc2 && byte <= 0xf4) return count < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? count : 0
    if (byte < 0x80 || byte > 0xbf) return 0
  }
  return 0
}

/** The bytes before the first NUL. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}
