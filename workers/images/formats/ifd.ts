/** Directories of a TIFF, or of the EXIF block of another file: tags and where their values lie. Reads no pixels. */

export interface IfdEntry {
  /** Numbers of BYTE, SHORT and LONG values; at most a handful. */
  numbers: number[]
  /** The bytes of the value, cut where it is long. */
  bytes: Uint8Array
}
export type Ifd = ReadonlyMap<number, IfdEntry>

/** Bytes of one value of a type. */
const typeSizes: Record<number, number> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  13: 4,
}
const maxEntries = 512
const maxNumbers = 16
const maxValueBytes = 65_536

/** Reads the directories of a TIFF; null for bytes that are none. */
export class IfdReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #littleEndian: boolean

  private constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#littleEndian = littleEndian
  }

  static of(bytes: Uint8Array): IfdReader | null {
    const order = String.fromCharCode(...bytes.subarray(0, 4))
    if (bytes.byteLength < 8 || !(order === 'II*\0' || order === 'MM\0*')) return null
    return new IfdReader(bytes, order === 'II*\0')
  }

  /** The first directory: that of the image itself. */
  first(): Ifd {
    return this.at(this.#long(4))
  }

  /** Counts the directories of the chain, which are the pages of a TIFF, up to `max`. */
  count(max: number): number {
    let pages = 0
    for (let offset = this.#long(4); pages < max && offset >= 8; pages++) {
      if (offset + 2 > this.#bytes.byteLength) break
      const next = offset + 2 + this.#short(offset) * 12
      if (next + 4 > this.#bytes.byteLength) return pages + 1
      offset = this.#long(next)
    }
    return pages
  }

  /** The directory at an offset; empty where there is none. */
  at(offset: number): Ifd {
    const entries = new Map<number, IfdEntry>()
    if (offset < 8 || offset + 2 > this.#bytes.byteLength) return entries
    const count = Math.min(this.#short(offset), maxEntries)
    for (let n = 0; n < count; n++) {
      const place = offset + 2 + n * 12
      if (place + 12 > this.#bytes.byteLength) break
      const type = this.#short(place + 2)
      const size = (typeSizes[type] ?? 0) * this.#long(place + 4)
      const start = size <= 4 ? place + 8 : this.#long(place + 8)
      const bytes = this.#bytes.subarray(start, start + Math.min(size, maxValueBytes))
      entries.set(this.#short(place), { bytes, numbers: this.#numbers(type, start, bytes.byteLength) })
    }
    return entries
  }

  #numbers(type: number, start: number, length: number): number[] {
    const size = typeSizes[type] ?? 0
    if (![1, 3, 4, 13].includes(type)) return []
    const count = Math.min(Math.floor(length / size), maxNumbers)
    const read = size === 1 ? (at: number) => this.#bytes[at]! : size === 2 ? this.#short : this.#long
    return Array.from({ length: count }, (_, n) => read.call(this, start + n * size))
  }

  #short(at: number): number {
    return this.#view.getUint16(at, this.#littleEndian)
  }

  #long(at: number): number {
    return this.#view.getUint32(at, this.#littleEndian)
  }
}
