import { IfdReader } from '../../images/formats/ifd.ts'
import { parseDate } from './dates.ts'
import type { Fields } from './fields.ts'
import { decodeText, untilNul } from './text-bytes.ts'

const imageDescription = 0x010e
const xpTitle = 0x9c9b
const xpKeywords = 0x9c9e
const exifDirectory = 0x8769
const dateTimeOriginal = 0x9003
const dateTimeDigitized = 0x9004
const offsetTimeOriginal = 0x9011
const offsetTimeDigitized = 0x9012

/** Title, description, keywords and dates of a TIFF, or of an EXIF block. */
export function readExif(block: Uint8Array): Fields {
  const prefix = Buffer.from('Exif\0\0', 'latin1')
  const start = Buffer.from(block.buffer, block.byteOffset, Math.min(6, block.byteLength))
  const reader = IfdReader.of(start.equals(prefix) ? block.subarray(6) : block)
  const ifd = reader?.first()
  const camera = reader?.at(ifd?.get(exifDirectory)?.numbers[0] ?? 0)
  const ascii = (tag: number, directory = ifd) => {
    const bytes = directory?.get(tag)?.bytes
    return bytes && decodeText(untilNul(bytes))
  }
  const utf16 = (tag: number) => {
    const bytes = ifd?.get(tag)?.bytes
    return bytes && new TextDecoder('utf-16le').decode(bytes).split('\0', 1)[0]
  }
  return {
    title: utf16(xpTitle),
    description: ascii(imageDescription),
    keywords: utf16(xpKeywords)?.split(';'),
    taken: [parseDate(ascii(dateTimeOriginal, camera), ascii(offsetTimeOriginal, camera))],
    made: parseDate(ascii(dateTimeDigitized, camera), ascii(offsetTimeDigitized, camera)),
  }
}
