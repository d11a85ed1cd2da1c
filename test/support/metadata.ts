/** Images with metadata, made byte by byte. */
import { crc32 } from 'node:zlib'
import sharp from 'sharp'

export const blank = () => sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })

/** A JPEG with an APP13 segment of IPTC-IIM data sets: [record 2 number, text]. */
export async function withIptc(sets: [number, string | Buffer][]): Promise<Buffer> {
  const jpeg = await blank().jpeg().toBuffer()
  const data = Buffer.concat(
    [[1, 90, '\x1b%G'] as const, ...sets.map(([number, text]) => [2, number, text] as const)].map(
      ([record, number, text]) => {
        const value = typeof text === 'string' ? Buffer.from(text) : text
        return Buffer.concat([
          Buffer.from([0x1c, record, number, value.length >> 8, value.length & 255]),
          value,
        ])
      },
    ),
  )
  const size = Buffer.alloc(4)
  size.writeUInt32BE(data.length)
  const resource = Buffer.concat([
    Buffer.from('8BIM\x04\x04\0\0', 'latin1'),
    size,
    data,
    Buffer.alloc(data.length % 2),
  ])
  const body = Buffer.concat([Buffer.from('Photoshop 3.0\0', 'latin1'), resource])
  const head = Buffer.from([0xff, 0xed, (body.length + 2) >> 8, (body.length + 2) & 255])
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)])
}

/** A PNG with chunks: [type, data]. */
export async function withChunks(chunks: [string, Buffer][]): Promise<Buffer> {
  const png = await blank().png().toBuffer()
  const made = chunks.map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  })
  // After the signature and IHDR.
  return Buffer.concat([png.subarray(0, 33), ...made, png.subarray(33)])
}
