/** The first frame of a GIF, and the colour of the canvas around it. */

export interface GifFrame {
  left: number
  top: number
  width: number
  height: number
  /**
   * The first colour of the frame's palette, which Pillow fills the canvas with; null where the frame has a transparent
   * colour, for the canvas then has that one.
   */
  background: readonly [number, number, number] | null
}

/** Null where the file has no frame that can be read. */
export function firstFrame(bytes: Uint8Array): GifFrame | null {
  const short = (at: number) => bytes[at]! | (bytes[at + 1]! << 8)
  const paletteSize = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  let at = 13 + paletteSize(bytes[10]!)
  let palette = bytes[10]! & 0x80 ? 13 : null
  let transparent = false
  while (at < bytes.length) {
    if (bytes[at] === 0x21) {
      // An extension; 0xf9 is the one that says how the frame behind it is shown.
      if (bytes[at + 1] === 0xf9) transparent = Boolean(bytes[at + 3]! & 1)
      for (at += 2; bytes[at]; at += bytes[at]! + 1);
      at++
    } else if (bytes[at] === 0x2c) {
      const flags = bytes[at + 9]!
      if (flags & 0x80) palette = at + 10
      if (palette === null || palette + 3 > bytes.length) return null
      const background = [bytes[palette]!, bytes[palette + 1]!, bytes[palette + 2]!] as const
      const [left, top, width, height] = [1, 3, 5, 7].map((place) => short(at + place)) as [
        number,
        number,
        number,
        number,
      ]
      return { left, top, width, height, background: transparent ? null : background }
    } else return null
  }
  return null
}
