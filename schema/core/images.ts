import { echoed, ItemError } from '../../workers/errors.ts'
import type { ByteCount } from '../../workers/sources/fetch.ts'

/** The part of a WHATWG File that is used. */
export interface Upload {
  readonly name: string
  readonly size: number
  bytes(): Promise<Uint8Array>
}

/** The fields of ConceptInput and ImageInput that carry an image's bytes. */
export interface ImageSource {
  upload?: Upload | null
  base64?: string | null
  url?: string | null
}

export interface ReadImage {
  bytes: Uint8Array
  /** The file's name at its origin. */
  name?: string
}

/**
 * Reads the bytes of an image, in whichever way it was given, within the server's byte limit.
 * @throws ItemError
 */
export type ReadImages = (
  source: ImageSource,
  signal: AbortSignal,
  /** Counts the bytes that are fetched for the request. */
  fetched?: ByteCount,
) => Promise<ReadImage>

/** Readers of workers/sources. */
export interface ImageReaders {
  maxBytes: number
  decodeBase64(text: string): Uint8Array
  fetchUrl(url: string, signal: AbortSignal, fetched?: ByteCount): Promise<Uint8Array>
}

export function imageReader({ maxBytes, decodeBase64, fetchUrl }: ImageReaders): ReadImages {
  return async ({ upload, base64, url }, signal, fetched) => {
    if (upload != null) {
      if (upload.size === 0) throw new ItemError('EMPTY', `The upload "${echoed(upload.name)}" has no bytes.`)
      if (upload.size > maxBytes)
        throw new ItemError(
          'TOO_LARGE',
          `The upload "${echoed(upload.name)}" has ${upload.size} bytes; at most ${maxBytes} are accepted.`,
          { limit: maxBytes, given: upload.size },
        )
      return { bytes: await upload.bytes(), name: upload.name || undefined }
    }
    if (base64 != null) return { bytes: decodeBase64(base64) }
    if (url != null) return { bytes: await fetchUrl(url, signal, fetched), name: lastSegment(url) }
    throw new ItemError('EMPTY', 'No image was given.')
  }
}

function lastSegment(url: string): string | undefined {
  const segment = URL.parse(url)?.pathname.split('/').pop()
  if (!segment) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
