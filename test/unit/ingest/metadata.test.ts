import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { joinTags, limits, readMetadata } from '../../../workers/ingest/metadata.ts'
import { silent } from '../../../workers/log.ts'

const blank = () => sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
const read = async (bytes: Uint8Array, mimeType: string) => {
  const packet = await sharp(bytes)
    .metadata()
    .then(
      ({ xmp }) => xmp,
      () => undefined,
    )
  return readMetadata(bytes, mimeType, silent, packet)
}

const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hafen &amp; Möwen</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Gulls over the old harbour, early</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag><rdf:li>harbour</rdf:li><rdf:li>gulls, many</rdf:li><rdf:li>Hamburg</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

/** A JPEG with an APP13 segment of IPTC-IIM data sets: [record 2 number, text]. */
async function withIptc(sets: [number, string][]): Promise<Buffer> {
  const jpeg = await blank().jpeg().toBuffer()
  const data = Buffer.concat(
    [[1, 90, '\x1b%G'] as const, ...sets.map(([number, text]) => [2, number, text] as const)].map(
      ([record, number, text]) => {
        const value = Buffer.from(text)
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

async function withChunks(chunks: [string, Buffer][]): Promise<Buffer> {
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

describe('what an image says of itself', () => {
  it.each([
    ['image/jpeg', 'jpeg'],
    ['image/png', 'png'],
    ['image/webp', 'webp'],
    ['image/tiff', 'tiff'],
  ] as const)('XMP of %s gives title, description and keywords', async (mimeType, format) => {
    expect(await read(await blank().withXmp(xmp).toFormat(format).toBuffer(), mimeType)).toEqual({
      title: 'Hafen & Möwen',
      description: 'Gulls over the old harbour, early',
      keywords: ['harbour', 'gulls, many', 'Hamburg'],
    })
  })

  it('IPTC gives title, description and keywords', async () => {
    const bytes = await withIptc([
      [5, 'Leuchtturm im Süden'],
      [120, 'A lighthouse.'],
      [25, 'lighthouse'],
      [25, 'sea; sky'],
    ])
    expect(await read(bytes, 'image/jpeg')).toEqual({
      title: 'Leuchtturm im Süden',
      description: 'A lighthouse.',
      keywords: ['lighthouse', 'sea; sky'],
    })
  })

  it('EXIF gives title, description and keywords', async () => {
    const bytes = await blank()
      .withExif({ IFD0: { ImageDescription: 'Two boats' } })
      .jpeg()
      .toBuffer()
    expect(await read(bytes, 'image/jpeg')).toMatchObject({ description: 'Two boats' })
  })

  it('the text of a PNG gives title, description and keywords', async () => {
    const bytes = await withChunks([
      ['tEXt', Buffer.from('Title\0Red square', 'latin1')],
      ['iTXt', Buffer.from('Description\0\0\0\0\0Größe: 8 × 8')],
      ['tEXt', Buffer.from('Keywords\0red, square', 'latin1')],
    ])
    expect(await read(bytes, 'image/png')).toEqual({
      title: 'Red square',
      description: 'Größe: 8 × 8',
      keywords: ['red', ' square'],
    })
  })

  it('a drawing gives its own title, description and keywords, not those of its parts', async () => {
    const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title id="t">A &lt;small&gt; house</title><desc>With a
      chimney</desc><metadata><rdf:RDF><cc:Work><dc:title>other</dc:title><dc:subject><rdf:Bag><rdf:li>house</rdf:li><rdf:li>home &amp; garden</rdf:li></rdf:Bag></dc:subject></cc:Work></rdf:RDF></metadata><g><title>door</title></g></svg>`
    expect(await read(Buffer.from(svg), 'image/svg+xml')).toEqual({
      title: 'A <small> house',
      description: 'With a chimney',
      keywords: ['house', 'home & garden'],
    })
    const parts = '<svg xmlns="http://www.w3.org/2000/svg"><g><title>door</title></g></svg>'
    expect((await read(Buffer.from(parts), 'image/svg+xml')).title).toBeNull()
  })

  it('a file without metadata, or with damaged metadata, gives nothing', async () => {
    const none = { title: null, description: null, keywords: [] }
    expect(await read(await blank().gif().toBuffer(), 'image/gif')).toEqual(none)
    expect(await read(Buffer.from('not an image'), 'image/jpeg')).toEqual(none)
    const jpeg = await blank().withXmp(xmp).jpeg().toBuffer()
    expect(await read(jpeg.subarray(0, 200), 'image/jpeg')).toBeDefined()
  })
})

describe('tags', () => {
  it('tags are trimmed, and each is there once, in its first spelling', () => {
    expect(joinTags([' Sea ', 'sky'], null, ['SEA', '', '  ', 'two  words'])).toEqual([
      'Sea',
      'sky',
      'two words',
    ])
  })
  it('tags keep to their limits', () => {
    expect(joinTags(['x'.repeat(500)])[0]).toHaveLength(limits.tag)
    expect(joinTags(Array.from({ length: 500 }, (_, n) => `tag ${n}`))).toHaveLength(limits.tags)
  })
})
