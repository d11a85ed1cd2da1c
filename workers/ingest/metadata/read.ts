import type { Metadata } from 'sharp'
import type { Log } from '../../log.ts'
import { firstCharacters, joinTags, labelLimits } from '../labels/texts.ts'
import { pickDate } from './dates.ts'
import { readExif } from './exif.ts'
import { type Fields, pickCaption, pickLine, unite } from './fields.ts'
import { readIptc } from './iptc.ts'
import { photoshopBlock } from './jpeg.ts'
import { readPng } from './png.ts'
import { readSvg } from './svg.ts'
import { readXmp } from './xmp.ts'

/** Metadata inside of an image: XMP, IPTC, EXIF, PNG text, or the title and description of a drawing. */
export interface EmbeddedMetadata {
  title: string | null
  description: string | null
  keywords: string[]
  takenAt: Date | null
}

export const noMetadata: EmbeddedMetadata = { title: null, description: null, keywords: [], takenAt: null }

/** The parts of sharp's metadata that are read. */
export type MetadataHeader = Pick<Metadata, 'format'> & Partial<Pick<Metadata, 'exif' | 'xmp' | 'iptc'>>

/** Cleaned and within the limits of labels. Damaged metadata is left out: it is no reason to turn an image away. */
export async function readMetadata(
  bytes: Uint8Array,
  header: MetadataHeader,
  log: Log,
): Promise<EmbeddedMetadata> {
  const attempt = async (source: string, read: () => Fields | Promise<Fields>): Promise<Fields> => {
    try {
      return await read()
    } catch (error) {
      log.debug({ source, reason: (error as Error).message }, 'metadata is not readable')
      return {}
    }
  }
  if (header.format === 'svg') return inOrder([await attempt('svg', () => readSvg(bytes))])

  let packet: Uint8Array | undefined = header.xmp
  const png = await attempt('png', () => {
    if (header.format !== 'png') return {}
    const { xmp, ...fields } = readPng(bytes)
    packet = xmp ?? packet
    return fields
  })
  const photoshop = header.format === 'jpeg' ? photoshopBlock(bytes) : undefined
  const iptc = photoshop ?? header.iptc
  const exif = header.format === 'tiff' ? bytes : header.exif
  const inXmp = await attempt('xmp', () => (packet ? readXmp(packet) : {}))
  const inIptc = await attempt('iptc', () => (iptc ? readIptc(iptc) : {}))
  const inExif = await attempt('exif', () => (exif ? readExif(exif) : {}))
  // Texts are edited in XMP; the clock that took the image is the camera's, which writes EXIF.
  return inOrder([inXmp, inIptc, inExif, png], [inExif, inXmp, inIptc])
}

/** The sources, the most trusted first, for texts and for dates. */
function inOrder(sources: readonly Fields[], dated = sources): EmbeddedMetadata {
  const title =
    pickLine(sources.map((source) => source.title)) ?? pickLine(sources.map((source) => source.headline))
  const description = pickCaption(sources.map((source) => source.description))
  return {
    title: title && firstCharacters(title, labelLimits.title),
    description: description && firstCharacters(description, labelLimits.description),
    keywords: joinTags(unite(sources.map((source) => source.keywords))),
    takenAt: pickDate([...dated.flatMap(({ taken }) => taken ?? []), ...dated.map(({ made }) => made)]),
  }
}
