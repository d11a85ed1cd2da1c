/** Cuts further pages and frames off: libvips walks through all of them to open the first. */
import { signature } from '../formats/signature.ts'

/** The file with its first page or frame alone. The same bytes where there is one, or where its form is not plain. */
export function firstFrame(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const format = signature(bytes)
    if (format === 'TIFF') return firstPage(file)
    if (format === 'WebP') return firstWebpFrame(file)
    return bytes
  } catch (error) {
    // Offsets that lead out of the file: libvips says so better.
    if (error instanceof RangeError) return bytes
    throw error
  }
}

/** A directory ends in the place of the next one: 0 for none. */
function firstPage(file: Buffer): Buffer {
  const little = file[0] === 0x49
  const uint16 = (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at))
  const uint32 = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at))
  const directory = uint32(4)
  const next = directory + 2 + uint16(directory) * 12
  if (uint32(next) === 0) return file
  return Buffer.from(file).fill(0, next, next + 4)
}

function firstWebpFrame(file: Buffer): Buffer {
  const end = 8 + file.readUInt32LE(4)
  // One that is cut short stays so.
  if (end > file.length || file.toString('latin1', 12, 16) !== 'VP8X') return file
  for (let at = 12; at + 8 <= end; ) {
    const next = at + 8 + file.readUInt32LE(at + 4) + (file.readUInt32LE(at + 4) % 2)
    if (file.toString('latin1', at, at + 4) === 'ANMF') {
      if (next >= end || file.toString('latin1', next, next + 4) !== 'ANMF') return file
      const rest = otherChunks(file, next, end)
      const cut = Buffer.concat([file.subarray(0, next), ...rest])
      cut.writeUInt32LE(cut.length - 8, 4)
      return cut
    }
    at = next
  }
  return file
}

/** All but frames: metadata stands behind them. */
function otherChunks(file: Buffer, from: number, end: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = from; at + 8 <= end; ) {
    const size = file.readUInt32LE(at + 4)
    const next = at + 8 + size + (size % 2)
    // A frame that is cut short makes the whole file so.
    if (next > end) throw new RangeError('a chunk ends behind the file')
    if (file.toString('latin1', at, at + 4) !== 'ANMF') chunks.push(file.subarray(at, next))
    at = next
  }
  return chunks
}
