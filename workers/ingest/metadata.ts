import ExifReader from 'exifreader'
import type { Log } from '../log.ts'

/** Metadata inside of an image: IPTC, XMP, EXIF, PNG text, or the title and description of a drawing. */
export interface EmbeddedMetadata {
  title: string | null
  description: string | null
  keywords: string[]
}

export const limits = { title: 300, description: 5000, tag: 100, tags: 200 }

const none: EmbeddedMetadata = { title: null, description: null, keywords: [] }

/** `packet` is the XMP packet that libvips found, for files where ExifReader finds none (compressed text of PNG). */
export function readMetadata(
  bytes: Uint8Array,
  mimeType: string,
  log: Log,
  packet?: Uint8Array,
): EmbeddedMetadata {
  try {
    return mimeType === 'image/svg+xml' ? fromSvg(bytes) : fromTags(bytes, packet)
  } catch (error) {
    // Damaged metadata is no reason to turn an image away.
    log.debug({ reason: (error as Error).message }, 'metadata is not readable')
    return none
  }
}

function fromTags(bytes: Uint8Array, packet?: Uint8Array): EmbeddedMetadata {
  // Not its asynchronous form: that expands compressed text without a limit.
  const groups = ExifReader.load(bytes as Buffer, { expanded: true })
  if (!groups.xmp && packet) groups.xmp = ExifReader.load(packet as Buffer, { expanded: true }).xmp
  const iptc = groups.iptc as Record<string, unknown> | undefined
  const xmp = groups.xmp as Record<string, unknown> | undefined
  const exif = groups.exif as Record<string, unknown> | undefined
  const png = groups.png as Record<string, unknown> | undefined
  const first = (...candidates: unknown[]) => candidates.map(textOf).find((text) => text !== null) ?? null
  return {
    title:
      first(
        iptc?.['Object Name'],
        xmp?.title,
        xmp?.Headline,
        iptc?.Headline,
        exif?.XPTitle,
        png?.Title,
      )?.slice(0, limits.title) ?? null,
    description:
      first(iptc?.['Caption/Abstract'], xmp?.description, exif?.ImageDescription, png?.Description)?.slice(
        0,
        limits.description,
      ) ?? null,
    keywords: [
      ...listOf(iptc?.Keywords),
      ...listOf(xmp?.subject),
      ...(textOf(exif?.XPKeywords)?.split(';') ?? []),
      ...(textOf(png?.Keywords)?.split(/[,;]/) ?? []),
    ],
  }
}

/** ExifReader describes a tag in words; a list of tags is an array of them or of values. */
function textOf(tag: unknown): string | null {
  if (Array.isArray(tag)) return textOf(tag[0])
  const description = (tag as { description?: unknown } | undefined)?.description
  const text = typeof description === 'string' ? description.trim() : ''
  return text === '' ? null : text
}

function listOf(tag: unknown): string[] {
  if (!tag) return []
  if (Array.isArray(tag)) return tag.flatMap((one) => textOf(one) ?? [])
  const { value } = tag as { value?: unknown }
  if (Array.isArray(value)) {
    const texts = value.flatMap(
      (one) => textOf(one) ?? (typeof one === 'object' ? ((one as { value?: string }).value ?? []) : []),
    )
    if (texts.length > 0 && texts.every((text) => typeof text === 'string')) return texts as string[]
  }
  return textOf(tag)?.split(/\s*[,;]\s*/) ?? []
}

/** The drawing's own title and description, not those of its parts; keywords as Inkscape writes them. */
function fromSvg(bytes: Uint8Array): EmbeddedMetadata {
  const text = new TextDecoder().decode(bytes.subarray(0, 200_000))
  const inner = (pattern: RegExp) => {
    const found = text.match(pattern)?.[1]
    return found
      ? unescaped(found.replace(/<[^>]*>/g, ' '))
          .replace(/\s+/g, ' ')
          .trim() || null
      : null
  }
  const subject = text.match(/<dc:subject>([\s\S]*?)<\/dc:subject>/)?.[1] ?? ''
  const keywords = [...subject.matchAll(/<rdf:li[^>]*>([^<]*)<\/rdf:li>/g)].map(([, word]) =>
    unescaped(word!).trim(),
  )
  return {
    title:
      (
        inner(/<svg[^>]*>\s*<title[^>]*>([\s\S]*?)<\/title>/) ?? inner(/<dc:title>([\s\S]*?)<\/dc:title>/)
      )?.slice(0, limits.title) ?? null,
    description:
      (
        inner(/<desc[^>]*>([\s\S]*?)<\/desc>/) ?? inner(/<dc:description>([\s\S]*?)<\/dc:description>/)
      )?.slice(0, limits.description) ?? null,
    keywords,
  }
}

const unescaped = (text: string) =>
  text.replace(
    /&(lt|gt|quot|apos|amp);/g,
    (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name]!,
  )

/** Trimmed, without empty ones and without repeats (case aside: the first spelling stays). */
export function joinTags(...lists: (readonly string[] | null | undefined)[]): string[] {
  const seen = new Map<string, string>()
  for (const tag of lists.flatMap((list) => list ?? [])) {
    const trimmed = tag.replace(/\s+/g, ' ').trim().slice(0, limits.tag)
    const key = trimmed.toLowerCase()
    if (trimmed && !seen.has(key)) seen.set(key, trimmed)
  }
  return [...seen.values()].slice(0, limits.tags)
}
