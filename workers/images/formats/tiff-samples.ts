/** Channels of a TIFF beyond its colours, which libvips takes for opacity whatever they are. */

/** How many channels there are behind the colours, and whether the first of them is opacity; null where the file does not say. */
export function extraChannels(bytes: Uint8Array): { count: number; opacity: boolean } | null {
  const tags = firstDirectory(bytes)
  const colours = coloursOf.get(tags?.get(photometricTag)?.[0] ?? -1)
  const samples = tags?.get(samplesPerPixelTag)?.[0]
  if (!tags || colours === undefined || samples === undefined) return null
  const [extra] = tags.get(extraSamplesTag) ?? []
  // 0: unspecified data. 1 and 2: opacity. A file that has the channel and not the tag means opacity as well.
  return { count: samples - colours, opacity: extra !== 0 }
}

const photometricTag = 262
const samplesPerPixelTag = 277
const extraSamplesTag = 338

/** Colours by PhotometricInterpretation: white is zero, black is zero, RGB, YCbCr. */
const coloursOf = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [6, 3],
])

/** Values of the first directory's tags of small numbers. Null for what is no TIFF, or one that is cut off. */
function firstDirectory(bytes: Uint8Array): Map<number, number[]> | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const little = bytes[0] === 0x49
  const short = (at: number) => view.getUint16(at, little)
  const long = (at: number) => view.getUint32(at, little)
  const huge = (at: number) => Number(view.getBigUint64(at, little))
  try {
    const big = short(2) === 43
    const place = big ? huge : long
    const start = place(big ? 8 : 4)
    const count = big ? huge(start) : short(start)
    const [entrySize, inline, head] = big ? [20, 8, 8] : [12, 4, 2]
    const tags = new Map<number, number[]>()
    for (let i = 0; i < Math.min(count, 1000); i++) {
      const entry = start + head + i * entrySize
      const [tag, type, values] = [short(entry), short(entry + 2), place(entry + 4)]
      // Numbers of two bytes: all that is looked for.
      if (type !== 3 || values > 16) continue
      const value = entry + 4 + inline
      const at = values * 2 <= inline ? value : place(value)
      tags.set(
        tag,
        Array.from({ length: values }, (_, n) => short(at + 2 * n)),
      )
    }
    return tags
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
