/** What an image may cost to decode, by its header alone. Files of a few kilobytes can ask for gigabytes and minutes. */
import type { Metadata } from 'sharp'
import { ItemError } from '../../errors.ts'
import { signature } from '../formats/signature.ts'

/** The longest side of a JPEG; other formats have longer ones, and resizing works on whole rows. */
const maxSide = 65_535

/** Bytes that decoding may hold at the default limit of pixels; more where the limit of pixels is higher. */
const minBytes = 500e6
const bytesPerPixel = 5

/** Scans of a progressive JPEG at the limit of pixels, where encoders write 10 or so, and of a small one. */
const scansAtLimit = 12
const maxScans = 1000

/** Texts of a PNG that may be compressed; each unpacks to 8 MB at most. */
const maxPngTexts = 100

/** Chunks of a PNG, and segments in front of a JPEG's pixels: decoders keep them all, and look through them for each. */
const maxParts = 100_000

/** Looks at the first parts alone. @throws ItemError */
export function checkParts(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const format = signature(bytes)
  if (format === 'PNG') checkChunks(file)
  if (format === 'JPEG') checkSegments(file)
}

function checkChunks(file: Buffer): void {
  let texts = 0
  let parts = 0
  for (let at = 8; at + 8 <= file.length && parts <= maxParts; at += 12 + file.readUInt32BE(at)) {
    parts++
    if (packedTexts.has(file.readUInt32BE(at + 4))) texts++
  }
  if (parts > maxParts) throw tooManyParts('PNG', 'chunks')
  if (texts > maxPngTexts)
    throw new ItemError(
      'INVALID',
      `The PNG has ${texts} texts of the kinds zTXt and iTXt; the limit is ${maxPngTexts}. Save it without them.`,
    )
}

const packedTexts = new Set(['zTXt', 'iTXt'].map((type) => Buffer.from(type, 'latin1').readUInt32BE()))

function checkSegments(file: Buffer): void {
  let parts = 0
  // Up to the pixels, which begin with a start of scan. As libjpeg does, it passes over whatever is no marker.
  for (let at = file.indexOf(0xff, 2); at >= 0 && at + 4 <= file.length; at = file.indexOf(0xff, at)) {
    const marker = file[at + 1]!
    if (marker === 0xda) return
    if (++parts > maxParts) throw tooManyParts('JPEG', 'segments')
    if (marker === 0xff || marker === 0) at++
    else at += 2 + file.readUInt16BE(at + 2)
  }
}

const tooManyParts = (format: string, parts: string) =>
  new ItemError('INVALID', `The ${format} has more than ${maxParts} ${parts}. Save it anew.`)

/** For rasters; @throws ItemError */
export function checkBudget(bytes: Uint8Array, header: Metadata, pixelLimit: number): void {
  const { width, height } = header
  if (Math.max(width, height) > maxSide)
    throw new ItemError(
      'TOO_MANY_PIXELS',
      `The image has ${width} x ${height} pixels; the limit is ${maxSide} a side. Send a smaller version.`,
    )
  const held = width * height * heldPerPixel(header)
  const limit = Math.max(minBytes, bytesPerPixel * pixelLimit)
  if (held > limit)
    throw new ItemError(
      'TOO_MANY_PIXELS',
      `The image takes ${megabytes(held)} MB of memory to decode; the limit is ${megabytes(limit)} MB. Send a smaller version.`,
    )
  if (header.format === 'jpeg' && header.isProgressive) checkScans(bytes, header, pixelLimit)
}

/** Each scan of a progressive JPEG passes over the whole image. */
function checkScans(bytes: Uint8Array, { width, height }: Metadata, pixelLimit: number): void {
  const scans = occurrences(bytes, Buffer.from([0xff, 0xda]))
  const atThisSize = Math.floor((scansAtLimit * pixelLimit) / (width * height))
  const limit = Math.min(maxScans, Math.max(scansAtLimit, atThisSize))
  if (scans > limit)
    throw new ItemError(
      'INVALID',
      `The JPEG has ${scans} scans; the limit is ${limit} at its size. Save it as a baseline JPEG.`,
    )
}

/** Bytes for each pixel: the decoded channels, and the whole image as the decoders of some formats hold it besides. */
function heldPerPixel(header: Metadata): number {
  const { format, channels, isProgressive, chromaSubsampling } = header
  switch (format) {
    case 'jpeg':
      // Coefficients of 2 bytes; libjpeg shrinks the pixels.
      return isProgressive ? 2 * (chromaSubsampling === '4:2:0' ? 1.5 : channels) : channels
    case 'png':
      return isProgressive ? channels * (1 + sampleBytes(header)) : channels
    case 'gif':
    case 'webp':
    case 'heif':
      return channels + 4
    default:
      return channels
  }
}

const sampleBytes = ({ depth }: Metadata) => (depth === 'ushort' ? 2 : 1)

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6)

function occurrences(bytes: Uint8Array, pattern: Buffer): number {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = file.indexOf(pattern); at >= 0; at = file.indexOf(pattern, at + 2)) count++
  return count
}
