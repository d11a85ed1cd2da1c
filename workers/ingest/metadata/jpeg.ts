const maxSegments = 10_000
const app13 = 0xed
const signature = 'Photoshop 3.0\0'

/** Photoshop's resources, which may go on over several segments; undefined where there are none. */
export function photoshopBlock(bytes: Uint8Array): Uint8Array | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Buffer[] = []
  for (let at = 2, n = 0; at + 4 <= file.length && file[at] === 0xff && n < maxSegments; n++) {
    const marker = file[at + 1]!
    // The image itself begins.
    if (marker === 0xda || marker === 0xd9) break
    const size = file.readUInt16BE(at + 2)
    const body = file.subarray(at + 4, at + 2 + size)
    if (marker === app13 && body.toString('latin1', 0, signature.length) === signature)
      parts.push(body.subarray(signature.length))
    at += 2 + size
  }
  return parts.length > 0 ? Buffer.concat(parts) : undefined
}
