/** Files in which libvips and Pillow see other pixels: Pillow's count. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { defaultLimits } from '../../../workers/images/open.ts'
import { decodePixels } from '../../../workers/images/preprocess.ts'

const size = 6
const spec: ImageSpec = {
  ...{ width: size, height: size, resizeTo: size },
  ...{ fit: 'squash', filter: 'bicubic', rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
}
const decode = async (bytes: Uint8Array) => [...(await decodePixels(bytes, spec, defaultLimits))]

const samples = (channels: number) =>
  Uint8Array.from({ length: size * size * channels }, (_, i) => (i * 71 + 13) & 255)

/** An uncompressed TIFF of one strip. */
function tiff(channels: number, photometric: number, extra: number[] | null, bigEndian = false): Uint8Array {
  const data = samples(channels)
  const short = 3
  const long = 4
  const tags: [number, number, number[]][] = [
    [256, short, [size]],
    [257, short, [size]],
    [258, short, new Array(channels).fill(8)],
    [259, short, [1]],
    [262, short, [photometric]],
    [273, long, [0]],
    [277, short, [channels]],
    [278, short, [size]],
    [279, long, [data.length]],
    ...(extra ? [[338, short, extra] as [number, number, number[]]] : []),
  ]
  const head = 8 + 2 + 12 * tags.length + 4
  const bytes = new Uint8Array(head + 64 + data.length)
  const view = new DataView(bytes.buffer)
  const little = !bigEndian
  bytes.set(Buffer.from(bigEndian ? 'MM' : 'II'))
  view.setUint16(2, 42, little)
  view.setUint32(4, 8, little)
  view.setUint16(8, tags.length, little)
  let free = head
  for (const [i, [tag, type, values]] of tags.entries()) {
    const at = 10 + 12 * i
    view.setUint16(at, tag, little)
    view.setUint16(at + 2, type, little)
    view.setUint32(at + 4, values.length, little)
    if (tag === 273) values[0] = head + 64
    let place = at + 8
    if (type === short && values.length > 2) {
      view.setUint32(place, free, little)
      place = free
      free += 2 * values.length
    }
    for (const [n, value] of values.entries())
      if (type === short) view.setUint16(place + 2 * n, value, little)
      else view.setUint32(place, value, little)
  }
  bytes.set(data, head + 64)
  return bytes
}

const colours = (channels: number) => [...samples(channels)].filter((_, i) => i % channels < 3)

describe('channels of a TIFF behind its colours', () => {
  test.each<[string, number, number[], boolean]>([
    ['one', 4, [0], false],
    ['one, in a file that begins with MM', 4, [0], true],
    ['two', 5, [0, 0], false],
  ])('%s of unspecified data are no opacity', async (_, channels, extra, bigEndian) => {
    expect(await decode(tiff(channels, 2, extra, bigEndian))).toEqual(colours(channels))
  })

  test.each<[string, number[] | null]>([
    ['is said to be opacity', [2]],
    ['is not explained', null],
  ])('one that %s is opacity, on white', async (_, extra) => {
    const rgba = samples(4)
    const expected = Array.from({ length: size * size * 3 }, (_, i) => {
      const at = Math.floor(i / 3) * 4
      const alpha = rgba[at + 3]!
      return Math.floor((rgba[at + (i % 3)]! * alpha + (255 - alpha) * 255) / 255 + 0.5)
    })
    expect(await decode(tiff(4, 2, extra))).toEqual(expected)
  })

  test('opacity with unspecified data behind it is opacity', async () => {
    const rgba = tiff(5, 2, [2, 0])
    expect(await decode(rgba)).not.toEqual(colours(5))
  })

  test('a grey channel with unspecified data behind it is grey', async () => {
    const grey = [...samples(2)].filter((_, i) => i % 2 === 0).flatMap((value) => [value, value, value])
    expect(await decode(tiff(2, 1, [0]))).toEqual(grey)
  })

  test('a TIFF of three channels is as it was', async () => {
    expect(await decode(tiff(3, 2, null))).toEqual(colours(3))
  })
})

describe('the frame of a GIF that is smaller than its canvas', () => {
  /** A frame of 2 x 2 pixels at (3, 1): sharp's own, with another canvas and another place. */
  async function gif(transparent: boolean): Promise<{ bytes: Buffer; first: number[] }> {
    const pixels = [
      [200, 30, 40],
      [10, 220, 60],
      [10, 20, 230],
      [240, 240, 20],
    ]
    const bytes = await sharp(Uint8Array.from(pixels.flat()), { raw: { width: 2, height: 2, channels: 3 } })
      .gif({ dither: 0 })
      .toBuffer()
    bytes.writeUInt16LE(size, 6)
    bytes.writeUInt16LE(size, 8)
    const frame = bytes.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 2, 0, 2, 0]))
    bytes.writeUInt16LE(3, frame + 1)
    bytes.writeUInt16LE(1, frame + 3)
    const control = bytes.indexOf(Buffer.from([0x21, 0xf9, 4]))
    if (control > 0) bytes[control + 3] = transparent ? bytes[control + 3]! | 1 : bytes[control + 3]! & ~1
    // The index that is transparent is one that no pixel has.
    if (control > 0) bytes[control + 6] = 255
    const local = Boolean(bytes[frame + 9]! & 0x80)
    const palette = local ? frame + 10 : 13
    return { bytes, first: [...bytes.subarray(palette, palette + 3)] }
  }
  const at = (pixels: number[], x: number, y: number) =>
    pixels.slice((y * size + x) * 3, (y * size + x) * 3 + 3)

  test('lies on the first colour of its palette', async () => {
    const { bytes, first } = await gif(false)
    const pixels = await decode(bytes)
    for (const [x, y] of [
      [0, 0],
      [2, 1],
      [5, 5],
      [3, 3],
    ] as const)
      expect(at(pixels, x, y)).toEqual(first)
    expect(at(pixels, 3, 1)).toEqual([200, 30, 40])
    expect(at(pixels, 4, 2)).toEqual([240, 240, 20])
  })
})
