import { type Ifd, IfdReader } from './ifd.ts'

const tags = {
  compression: 0x0103,
  photometric: 0x0106,
  subIfds: 0x014a,
  dngVersion: 0xc612,
}
/** Colour filter array, and linear raw. */
const sensorPhotometrics = [32803, 34892]
/** Of Nikon, Sony, Pentax, Samsung, Panasonic and Kodak. */
const sensorCompressions = [34713, 32767, 65535, 32770, 34316, 65000]

/**
 * Whether a file that begins as a TIFF is a camera's raw file (DNG, NEF, ARW, CR2, PEF, SRW, ...). The image that such a
 * file holds as a TIFF is a small preview.
 */
export function isCameraRaw(bytes: Uint8Array): boolean {
  const reader = IfdReader.of(bytes)
  if (!reader) return false
  if (bytes[8] === 0x43 && bytes[9] === 0x52) return true // "CR": Canon's CR2
  const first = reader.first()
  if (first.has(tags.dngVersion) || holdsSensorData(first)) return true
  const inner = first.get(tags.subIfds)?.numbers ?? []
  // A preview in front, and the sensor's image behind it.
  return inner.some((offset) => holdsSensorData(reader.at(offset)))
}

const holdsSensorData = (ifd: Ifd): boolean =>
  sensorPhotometrics.includes(ifd.get(tags.photometric)?.numbers[0] ?? 0) ||
  sensorCompressions.includes(ifd.get(tags.compression)?.numbers[0] ?? 0)
