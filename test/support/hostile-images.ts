/** Small files that cost a decoder much: extreme sides, many parts, contents that unpack to far more. */
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

export interface PngOptions {
  width: number
  height: number
  /** 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA. */
  colourType?: 0 | 2 | 4 | 6
  bits?: 8 | 16
  interlaced?: boolean
  /** Chunks before the pixels. */
  chunks?: Uint8Array[]
}

const channels = { 0: 1, 2: 3, 4: 2, 6: 4 }

/** A black or transparent PNG. */
export function blankPng({
  width,
  height,
  colourType = 2,
  bits = 8,
  interlaced,
  chunks = [],
}: PngOptions): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bits, colourType, 0, 0, interlaced ? 1 : 0], 8)
  const pixel = (channels[colourType] * bits) / 8
  const passes = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]]
  let size = 0
  for (const [x, y, dx, dy] of passes as [number, number, number, number][]) {
    const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)]
    if (columns > 0 && rows > 0) size += rows * (1 + columns * pixel)
  }
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', deflateSync(Buffer.alloc(size), { level: 9 })),
    pngChunk('IEND', new Uint8Array()),
  ])
}

/** A TIFF of `pages` grey images of one pixel. */
export function manyPageTiff(pages: number): Buffer {
  const tags = [
    [256, 3, 1],
    [257, 3, 1],
    [258, 3, 8],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 3, 1],
    [279, 4, 1],
  ]
  const length = 2 + tags.length * 12 + 4
  const out = Buffer.alloc(12 + pages * length)
  out.write('II*\0', 0, 'latin1')
  out.writeUInt32LE(12, 4)
  for (let page = 0; page < pages; page++) {
    let at = 12 + page * length
    at = out.writeUInt16LE(tags.length, at)
    for (const [tag, type, value] of tags as [number, number, number][]) {
      at = out.writeUInt16LE(tag, at)
      at = out.writeUInt16LE(type, at)
      at = out.writeUInt32LE(1, at)
      at = out.writeUInt32LE(value, at)
    }
    out.writeUInt32LE(page === pages - 1 ? 0 : 12 + (page + 1) * length, at)
  }
  return out
}

/**
 * A TIFF of 65,520 x 1500 transparent pixels in 35 kB: 4095 tiles that are 8192 rows high, which are all the same bytes.
 * Seconds of work, and not row by row.
 */
export function tallTileTiff(): Buffer {
  const [width, height, side] = [65_520, 1500, 8192]
  const tile = deflateSync(Buffer.alloc(16 * side * 16), { level: 9 })
  const tiles = width / 16
  const lists = 8 + tile.length + (tile.length % 2)
  const tags: [tag: number, type: 3 | 4, count: number, value: number][] = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 4, lists],
    [259, 3, 1, 8],
    [262, 3, 1, 2],
    [277, 3, 1, 4],
    [284, 3, 1, 1],
    [322, 4, 1, 16],
    [323, 4, 1, side],
    [324, 4, tiles, lists + 16],
    [325, 4, tiles, lists + 16 + 4 * tiles],
    [338, 3, 1, 2],
    [339, 3, 4, lists + 8],
  ]
  const directory = lists + 16 + 8 * tiles
  const out = Buffer.alloc(directory + 2 + tags.length * 12 + 4)
  out.write('II*\0', 0, 'latin1')
  out.writeUInt32LE(directory, 4)
  tile.copy(out, 8)
  for (let n = 0; n < 4; n++) {
    // Samples of 32 bits, in floating point.
    out.writeUInt16LE(32, lists + n * 2)
    out.writeUInt16LE(3, lists + 8 + n * 2)
  }
  for (let n = 0; n < tiles; n++) {
    out.writeUInt32LE(8, lists + 16 + n * 4)
    out.writeUInt32LE(tile.length, lists + 16 + (tiles + n) * 4)
  }
  let at = out.writeUInt16LE(tags.length, directory)
  for (const [tag, type, count, value] of tags) {
    at = out.writeUInt16LE(tag, at)
    at = out.writeUInt16LE(type, at)
    at = out.writeUInt32LE(count, at)
    at = out.writeUInt32LE(value, at)
  }
  return out
}

/** A GIF whose one frame of `side` x `side` pixels is followed by `frames` of one pixel. */
export function manyFrameGif(side: number, frames: number): Buffer {
  const header = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1')
  header.writeUInt16LE(side, 6)
  header.writeUInt16LE(side, 8)
  const frame = Buffer.from('21f904000a000000 2c000000000100010000 02024c0100'.replaceAll(' ', ''), 'hex')
  return Buffer.concat([header, ...Array<Buffer>(frames).fill(frame), Buffer.from(';')])
}

/** An animated WebP of `frames` frames. */
export async function manyFrameWebp(side: number, frames: number): Promise<Buffer> {
  const still = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
    .webp({ lossless: true })
    .toBuffer()
  const first = await sharp({ create: { width: side, height: side, channels: 3, background: 'red' } })
    .webp({ lossless: true, effort: 0 })
    .toBuffer()
  const chunk = (name: string, data: Uint8Array) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(data.length)
    return Buffer.concat([Buffer.from(name, 'latin1'), size, data, Buffer.alloc(data.length % 2)])
  }
  const frame = (width: number, image: Buffer) => {
    const header = Buffer.alloc(16)
    header.writeUIntLE(width - 1, 6, 3)
    header.writeUIntLE(width - 1, 9, 3)
    header.writeUIntLE(10, 12, 3)
    return chunk('ANMF', Buffer.concat([header, image.subarray(12)]))
  }
  const extended = Buffer.alloc(10)
  extended[0] = 2
  extended.writeUIntLE(side - 1, 4, 3)
  extended.writeUIntLE(side - 1, 7, 3)
  const small = frame(1, still)
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    chunk('VP8X', extended),
    chunk('ANIM', Buffer.alloc(6)),
    frame(side, first),
    ...Array<Buffer>(frames - 1).fill(small),
  ])
  return chunk('RIFF', body)
}

/** A JPEG with empty segments of metadata in front of its pixels. */
export const manySegmentJpeg = (segments: number): Promise<Buffer> =>
  jpegWith(Buffer.alloc(4 * segments, Buffer.from([0xff, 0xed, 0, 2])))

/** A JPEG whose IPTC holds keywords as long as IPTC has them. */
export function manyKeywordJpeg(keywords: number): Promise<Buffer> {
  const sets = Array.from({ length: keywords }, (_, n) =>
    Buffer.concat([Buffer.from([0x1c, 2, 25, 0, 64]), Buffer.from(String(n).padEnd(64, 'x'))]),
  )
  const data = Buffer.concat(sets)
  const resource = Buffer.from('8BIM\x04\x04\0\0\0\0\0\0', 'latin1')
  resource.writeUInt32BE(data.length, 8)
  const block = Buffer.concat([resource, data])
  const parts: Buffer[] = []
  for (let at = 0; at < block.length; at += 65_000) {
    const part = block.subarray(at, at + 65_000)
    const head = Buffer.from('\xff\xed\0\0Photoshop 3.0\0', 'latin1')
    head.writeUInt16BE(part.length + head.length - 2, 2)
    parts.push(head, part)
  }
  return jpegWith(Buffer.concat(parts))
}

async function jpegWith(segments: Buffer): Promise<Buffer> {
  const jpeg = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  return Buffer.concat([jpeg.subarray(0, 2), segments, jpeg.subarray(2)])
}

/** A grey progressive JPEG whose every coefficient comes in a scan of its own, bit by bit: all within the standard. */
export function manyScanJpeg(side: number, scans: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2
  const segment = (marker: number, ...data: number[]) => [0xff, marker, 0, data.length + 2, ...data]
  const bits = (text: string) => {
    const whole = text.padEnd(Math.ceil(text.length / 8) * 8, '1')
    const bytes = (whole.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
    return bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte]))
  }
  // Runs of blocks in which the band is 0: code 0, and 14 bits more.
  const runs = Math.ceil(blocks / 32_767)
  const empty = bits(
    Array.from({ length: runs }, (_, run) => {
      const length = Math.floor(blocks / runs) + (run < blocks % runs ? 1 : 0)
      return `0${(length - 16_384).toString(2).padStart(14, '0')}`
    }).join(''),
  )
  const tables = [
    // One code of one bit each: a difference of 0, a run of blocks.
    ...segment(0xc4, 0x00, 1, ...Array<number>(15).fill(0), 0x00),
    ...segment(0xc4, 0x10, 1, ...Array<number>(15).fill(0), 0xe0),
  ]
  const out: number[][] = [
    [0xff, 0xd8],
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(0xc2, 8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0),
    tables,
    [...segment(0xda, 1, 1, 0, 0, 0, 0), ...bits('0'.repeat(blocks))],
  ]
  for (let scan = 1; scan < scans; scan++) {
    const band = 1 + (Math.floor((scan - 1) / 14) % 63)
    const low = 13 - ((scan - 1) % 14)
    const high = low === 13 ? 0 : low + 1
    out.push([...segment(0xda, 1, 1, 0, band, band, (high << 4) | low), ...empty])
  }
  out.push([0xff, 0xd9])
  return Buffer.concat(out.map((part) => Buffer.from(part)))
}
