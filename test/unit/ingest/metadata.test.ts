import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../workers/images/open.ts'
import { inspect } from '../../../workers/ingest/inspect.ts'
import {
  type EmbeddedMetadata,
  type MetadataHeader,
  readMetadata,
} from '../../../workers/ingest/metadata/read.ts'
import { silent } from '../../../workers/log.ts'
import { blank, withChunks, withIptc } from '../../support/metadata.ts'

/** As the library does: what sharp says of the file, then the metadata. dates.test.ts reads its dates. */
const read = async (bytes: Uint8Array) =>
  textsOf(await readMetadata(bytes, (await inspect(bytes, defaultLimits)).header, silent))
const readAs = async (bytes: Uint8Array, format: string) =>
  textsOf(await readMetadata(bytes, { format } as MetadataHeader, silent))
const textsOf = ({ takenAt: _, ...texts }: EmbeddedMetadata) => texts

const xmp = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hafen &amp; Möwen</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Gulls over the old harbour, early</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag><rdf:li>harbour</rdf:li><rdf:li>gulls, many</rdf:li><rdf:li>Hamburg</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

describe('what an image says of itself', () => {
  it.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)(
    'XMP of %s gives title, description and keywords',
    async (format) => {
      expect(await read(await blank().withXmp(xmp).toFormat(format).toBuffer())).toEqual({
        title: 'Hafen & Möwen',
        description: 'Gulls over the old harbour, early',
        keywords: ['harbour', 'gulls, many', 'Hamburg'],
      })
    },
  )

  it('IPTC gives title, description and keywords', async () => {
    const bytes = await withIptc([
      [5, 'Leuchtturm im Süden'],
      [120, 'A lighthouse.'],
      [25, 'lighthouse'],
      [25, 'sea; sky'],
    ])
    expect(await read(bytes)).toEqual({
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
    expect(await read(bytes)).toMatchObject({ description: 'Two boats' })
  })

  it('the text of a PNG gives title, description and keywords', async () => {
    const bytes = await withChunks([
      ['tEXt', Buffer.from('Title\0Red square', 'latin1')],
      ['iTXt', Buffer.from('Description\0\0\0\0\0Größe: 8 × 8')],
      ['tEXt', Buffer.from('Keywords\0red, square', 'latin1')],
    ])
    expect(await read(bytes)).toEqual({
      title: 'Red square',
      description: 'Größe: 8 × 8',
      keywords: ['red', 'square'],
    })
  })

  it('a drawing gives its own title, description and keywords, not those of its parts', async () => {
    const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title id="t">A &lt;small&gt; house</title><desc>With a
      chimney</desc><metadata><rdf:RDF><cc:Work><dc:title>other</dc:title><dc:subject><rdf:Bag><rdf:li>house</rdf:li><rdf:li>home &amp; garden</rdf:li></rdf:Bag></dc:subject></cc:Work></rdf:RDF></metadata><g><title>door</title></g></svg>`
    expect(await readAs(Buffer.from(svg), 'svg')).toEqual({
      title: 'A <small> house',
      description: 'With a chimney',
      keywords: ['house', 'home & garden'],
    })
    const parts = '<svg xmlns="http://www.w3.org/2000/svg"><g><title>door</title></g></svg>'
    expect((await readAs(Buffer.from(parts), 'svg')).title).toBeNull()
  })

  it('a file without metadata, or with damaged metadata, gives nothing', async () => {
    const none = { title: null, description: null, keywords: [] }
    expect(await read(await blank().gif().toBuffer())).toEqual(none)
    expect(await readAs(Buffer.from('not an image'), 'jpeg')).toEqual(none)
    const jpeg = await blank().withXmp(xmp).jpeg().toBuffer()
    expect(await readAs(jpeg.subarray(0, 200), 'jpeg')).toEqual(none)
  })
})

const rdf = (inside: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about="" xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">${inside}</r:Description></r:RDF></x:xmpmeta>`
const packet = (text: string, encoding: BufferEncoding = 'utf8') =>
  readMetadata(
    Buffer.from([]),
    { format: 'webp', xmp: Buffer.from(text, encoding) } as MetadataHeader,
    silent,
  )
const svg = (inside: string, encoding: BufferEncoding = 'utf8', declared = '') =>
  readAs(
    Buffer.from(
      `${declared}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inside}</svg>`,
      encoding,
    ),
    'svg',
  )
/** A JPEG with XMP and IPTC. */
async function withBoth(inside: string, sets: [number, string | Buffer][]): Promise<Buffer> {
  const iptc = await withIptc(sets)
  const xmpJpeg = await blank().withXmp(rdf(inside)).jpeg().toBuffer()
  const end = iptc.readUInt16BE(4) + 4
  return Buffer.concat([xmpJpeg.subarray(0, 2), iptc.subarray(2, end), xmpJpeg.subarray(2)])
}

describe('one order of sources', () => {
  const whole = `Zürich: ${'a'.repeat(50)}üb and the rest of it`
  const cut = Buffer.from(whole).subarray(0, 64)

  it('XMP comes before IPTC, and each field stands for itself', async () => {
    const both = await withBoth('<d:title><r:Alt><r:li>By XMP</r:li></r:Alt></d:title>', [
      [5, 'By IPTC'],
      [120, 'Caption'],
    ])
    expect(await read(both)).toEqual({ title: 'By XMP', description: 'Caption', keywords: [] })
  })

  it('a text that IPTC cut gives way to the whole one, as title and as keyword', async () => {
    const both = await withBoth(
      `<d:subject><r:Bag><r:li>${whole}</r:li><r:li>sea</r:li></r:Bag></d:subject>`,
      [
        [5, cut],
        [25, cut],
        [25, 'seaside'],
      ],
    )
    const found = await read(both)
    expect(found.keywords).toEqual([whole, 'sea', 'seaside'])
    expect(found.title).toBe(`Zürich: ${'a'.repeat(50)}üb an`.slice(0, found.title!.length))
    const titled = await withBoth(`<d:title>${whole}</d:title>`, [[5, cut]])
    expect((await read(titled)).title).toBe(whole)
  })

  it('a character that IPTC cut in two is left out', async () => {
    const bytes = await withIptc([
      [5, Buffer.concat([Buffer.from('a'.repeat(61)), Buffer.from('日').subarray(0, 2)])],
    ])
    expect((await read(bytes)).title).toBe('a'.repeat(61))
  })

  it('IPTC in Latin-1 is read as such, also where it calls itself UTF-8', async () => {
    expect((await read(await withIptc([[120, Buffer.from('café', 'latin1')]]))).description).toBe('café')
    expect((await read(await withIptc([[120, Buffer.from('Größe', 'latin1')]]))).description).toBe('Größe')
  })

  it('NULs inside and behind a text go', async () => {
    const bytes = await withIptc([
      [5, 'Title\0'],
      [120, 'before\0after\0\0'],
      [25, 'a\0b'],
    ])
    expect(await read(bytes)).toEqual({ title: 'Title', description: 'beforeafter', keywords: ['ab'] })
    const png = await withChunks([['iTXt', Buffer.from('Title\0\0\0\0\0one\0two')]])
    expect((await read(png)).title).toBe('onetwo')
  })

  it('a keyword is whole with its comma, where it is one entry', async () => {
    expect((await read(await withIptc([[25, 'Paris, France']]))).keywords).toEqual(['Paris, France'])
    expect(
      (await packet(rdf('<d:subject><r:Bag><r:li>Paris, France</r:li></r:Bag></d:subject>'))).keywords,
    ).toEqual(['Paris, France'])
    expect((await packet(rdf('<d:subject>Paris, Rome; Bonn</d:subject>'))).keywords).toEqual([
      'Paris',
      'Rome',
      'Bonn',
    ])
  })

  it.each([
    'OLYMPUS DIGITAL CAMERA         ',
    'SONY DSC',
    'KODAK Digital Still Camera',
    '<Digimax S500 / Kenox S500 / Digimax Cyber 530>',
    'oznorHB',
    'Exif_JPEG_PICTURE',
  ])('the caption "%s" of a maker is no description', async (caption) => {
    const bytes = await blank()
      .withExif({ IFD0: { ImageDescription: caption } })
      .jpeg()
      .toBuffer()
    expect((await read(bytes)).description).toBeNull()
  })
})

describe('XMP', () => {
  it('a text is taken in x-default, else in its first language, and languages are never joined', async () => {
    const alternatives = (first: string) =>
      rdf(
        `<d:title><r:Alt><r:li xml:lang="de">Haus</r:li><r:li xml:lang="${first}">House</r:li></r:Alt></d:title>`,
      )
    expect((await packet(alternatives('x-default'))).title).toBe('House')
    expect((await packet(alternatives('en'))).title).toBe('Haus')
  })

  it('prefixes of any name, attributes, numeric entities and CDATA are read', async () => {
    expect((await packet(rdf('<d:title>Caf&#233; <![CDATA[& more]]></d:title>'))).title).toBe('Café & more')
    expect((await packet(rdf('').replace('r:about=""', 'd:title="Short &#x2013; form"'))).title).toBe(
      'Short – form',
    )
  })

  it('the title of an author, an ingredient or a comment is not that of the image', async () => {
    const inner = '<d:creator><r:Description><d:title>Ann</d:title></r:Description></d:creator>'
    expect((await packet(rdf(`<!-- <d:title>no</d:title> -->${inner}`))).title).toBeNull()
  })

  it.each(['utf16le', 'latin1'] as const)('a packet in %s is read', async (encoding) => {
    expect((await packet(rdf('<d:title>Größe</d:title>'), encoding)).title).toBe('Größe')
  })
})

describe('drawings', () => {
  it('the title is found behind styles, and the description of a group is not that of the drawing', async () => {
    expect(
      await svg(
        '<defs><style>.a{fill:red}</style></defs><g><title>no</title><desc>no</desc></g><title>Star</title>',
      ),
    ).toEqual({ title: 'Star', description: null, keywords: [] })
  })

  it('numeric entities and plain entities of the document type are decoded', async () => {
    expect((await svg('<title>Caf&#233; &#x2013; 5</title>')).title).toBe('Café – 5')
    const type = '<!DOCTYPE svg [<!ENTITY who "Ann">]>'
    expect((await svg('<title>By &who;</title>', 'utf8', type)).title).toBe('By Ann')
  })

  it('a drawing is read in its own encoding', async () => {
    const declared = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    expect((await svg('<title>Grüße</title>', 'latin1', declared)).title).toBe('Grüße')
    const utf16 = Buffer.from(
      `\ufeff<?xml version="1.0" encoding="UTF-16"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><title>Hé</title></svg>`,
      'utf16le',
    )
    for (const bytes of [utf16, Buffer.from(utf16).swap16()]) {
      expect(await inspect(bytes, defaultLimits)).toMatchObject({
        mimeType: 'image/svg+xml',
        width: 9,
        height: 7,
      })
      expect((await read(bytes)).title).toBe('Hé')
    }
  })

  it("the name of a drawing's author in its metadata is not its title", async () => {
    const work = '<cc:Work><dc:creator><cc:Agent><dc:title>Ann</dc:title></cc:Agent></dc:creator></cc:Work>'
    expect((await svg(`<metadata><rdf:RDF>${work}</rdf:RDF></metadata>`)).title).toBeNull()
  })
})

describe('bounds', () => {
  it('a PNG of very many chunks, and text that expands without end, are read in time', async () => {
    const bomb = Buffer.concat([Buffer.from('Title\0\0'), deflateSync(Buffer.alloc(50_000_000, 'a'))])
    const many = Array.from({ length: 100_000 }, (_, n): [string, Buffer] => [
      'tEXt',
      Buffer.from(`k${n}\0v`),
    ])
    const png = await withChunks([['zTXt', bomb], ['tEXt', Buffer.from('Description\0kept')], ...many])
    const begun = performance.now()
    expect(await readAs(png, 'png')).toEqual({ title: null, description: 'kept', keywords: [] })
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  it('very many keywords, each of which may be cut from any other, are read in time', async () => {
    const words = Array.from({ length: 19_000 }, (_, n) => `<r:li>${'x'.repeat(70)}${n}</r:li>`).join('')
    const begun = performance.now()
    const { keywords } = await packet(rdf(`<d:subject><r:Bag>${words}</r:Bag></d:subject>`))
    expect(performance.now() - begun).toBeLessThan(4_000)
    expect(keywords).toHaveLength(200)
  })

  it('a packet of very many elements does not hold others up', async () => {
    const words = '<r:li>word</r:li>'.repeat(200_000)
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const begun = performance.now()
    await packet(rdf(`<d:subject><r:Bag>${words}</r:Bag></d:subject>`))
    clearInterval(timer)
    expect(performance.now() - begun).toBeLessThan(4_000)
    expect(turns).toBeGreaterThan(0)
  })
})
