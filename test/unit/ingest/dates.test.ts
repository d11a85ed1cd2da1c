import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../../workers/images/open.ts'
import { inspect } from '../../../workers/ingest/inspect.ts'
import { parseDate, parseIptcDate, pickDate } from '../../../workers/ingest/metadata/dates.ts'
import { readMetadata } from '../../../workers/ingest/metadata/read.ts'
import { silent } from '../../../workers/log.ts'
import { blank, withIptc } from '../../support/metadata.ts'

const taken = async (bytes: Uint8Array) =>
  (await readMetadata(bytes, (await inspect(bytes, defaultLimits)).header, silent)).takenAt?.toISOString() ??
  null
const exif = (tags: Record<string, string>) => blank().withExif({ IFD2: tags })
const xmp = (properties: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ${properties}/></rdf:RDF></x:xmpmeta>`

describe('when an image was taken', () => {
  it.each<[string, Record<string, string>, string | null]>([
    ['a clock alone, as if in UTC', { DateTimeOriginal: '2025:03:09 14:05:30' }, '2025-03-09T14:05:30.000Z'],
    [
      'a clock and its offset',
      { DateTimeOriginal: '2025:03:09 14:05:30', OffsetTimeOriginal: '+02:00' },
      '2025-03-09T12:05:30.000Z',
    ],
    [
      'the digitizing where there is no other',
      { DateTimeDigitized: '2024:01:02 03:04:05' },
      '2024-01-02T03:04:05.000Z',
    ],
    ['a clock that was never set', { DateTimeOriginal: '1980:01:01 00:00:00' }, null],
    ['blanks', { DateTimeOriginal: '    :  :     :  :  ' }, null],
    ['zeros', { DateTimeOriginal: '0000:00:00 00:00:00' }, null],
  ])('EXIF gives %s', async (_name, tags, expected) => {
    for (const format of ['jpeg', 'png', 'webp'] as const)
      expect(await taken(await exif(tags).toFormat(format).toBuffer())).toBe(expected)
  })

  it('XMP gives the date of the exposure before that of the work, and that of the file last', async () => {
    const all = [
      'e:DateTimeOriginal="2020-01-01T10:00:00+01:00"',
      'photoshop:DateCreated="2021-05"',
      'xmp:CreateDate="2022"',
    ]
    const dates = []
    for (let n = 0; n < all.length; n++)
      dates.push(
        await taken(
          await blank()
            .withXmp(xmp(all.slice(n).join(' ')))
            .jpeg()
            .toBuffer(),
        ),
      )
    expect(dates).toEqual([
      '2020-01-01T09:00:00.000Z',
      '2021-05-01T00:00:00.000Z',
      '2022-01-01T00:00:00.000Z',
    ])
  })

  it('IPTC gives a date, with a time where it has one', async () => {
    expect(
      await taken(
        await withIptc([
          [55, '20250309'],
          [60, '140530+0100'],
        ]),
      ),
    ).toBe('2025-03-09T13:05:30.000Z')
    expect(await taken(await withIptc([[55, '20250309']]))).toBe('2025-03-09T00:00:00.000Z')
    expect(
      await taken(
        await withIptc([
          [55, '20250300'],
          [60, '140530'],
        ]),
      ),
    ).toBe('2025-03-01T00:00:00.000Z')
  })

  it('the camera is trusted before editors, who know the offset of its clock', async () => {
    const image = (properties: string) =>
      exif({ DateTimeOriginal: '2025:03:09 14:05:30' }).withXmp(xmp(properties)).jpeg().toBuffer()
    expect(await taken(await image('photoshop:DateCreated="2021-05-06T07:08:09Z"'))).toBe(
      '2025-03-09T14:05:30.000Z',
    )
    expect(await taken(await image('photoshop:DateCreated="2025-03-09T14:05:30.250-05:00"'))).toBe(
      '2025-03-09T19:05:30.000Z',
    )
  })
})

describe('dates', () => {
  it.each([
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2023-02-29', null],
    ['2024-13-01', null],
    ['2024-05-06T24:00:00', null],
    ['2024-05-06T10:61', null],
    ['2024-05-06T10:20', '2024-05-06T10:20:00.000Z'],
    ['2024-05-06T10:20:30.123456Z', '2024-05-06T10:20:30.123Z'],
    ['2024-05-06T10:20:30+1500', '2024-05-06T10:20:30.000Z'],
    ['2024:05:06 10:20:60', '2024-05-06T10:21:00.000Z'],
    ['1825', null],
    ['1850-06', '1850-06-01T00:00:00.000Z'],
    ['0099-01-01', null],
    ['yesterday', null],
    ['', null],
  ])('the date "%s" is %s', (text, expected) => {
    expect(pickDate([parseDate(text)])?.toISOString() ?? null).toBe(expected)
  })

  it('a date in the future is not believed, and the next one is taken', () => {
    const now = Date.UTC(2025, 0, 1)
    expect(pickDate([parseDate('2031-01-01'), parseDate('2024')], now)?.getUTCFullYear()).toBe(2024)
    expect(pickDate([parseDate('2025-01-01T12:00:00')], now)).not.toBeNull()
  })

  it('IPTC without a year, or that is no date, gives none', () => {
    expect(parseIptcDate('00000000', undefined)).toBeNull()
    expect(parseIptcDate('2025-03-09', '14')).toBeNull()
  })
})
