import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { AssetRow } from '../../prisma/types.ts'
import type { Context, Services } from '../../schema/core/context.ts'
import { ItemError } from '../../workers/errors.ts'
import type { ByteRange, OpenFile } from '../../workers/fs/read.ts'
import { parseRange } from './range.ts'
import { send } from './respond.ts'

/** Longest edges that thumbnails are made in: few, so that no caller can fill the disk with one image's sizes. */
export const thumbnailSizes = [64, 128, 256, 320, 512, 1024, 2048] as const

const nextSize = (wanted: number) => thumbnailSizes.find((size) => size >= wanted) ?? thumbnailSizes.at(-1)!

/** How the addresses of library files are formed; {@link serveFile} reads them. */
export function assetAddresses(base: string): Pick<Context, 'fileUrl' | 'thumbnailUrl'> {
  return {
    fileUrl: ({ contentHash }) => `${base}/files/${contentHash}`,
    thumbnailUrl: ({ contentHash }, size) => `${base}/files/${contentHash}/thumbnail/${nextSize(size)}`,
  }
}

// The whole path is matched and only the hash and a known size are used, so no path of a caller's reaches the disk.
const route = /^\/files\/([0-9a-f]{64})(?:\/thumbnail\/(\d{2,4}))?$/

/**
 * Serves library files and thumbnails by content hash. No key is asked for: an <img> cannot send one, and the
 * hash, which only GraphQL tells, cannot be guessed.
 */
export async function serveFile(
  req: IncomingMessage,
  res: ServerResponse,
  pathname: string,
  { database, library }: Pick<Services, 'database' | 'library'>,
): Promise<void> {
  const match = route.exec(pathname)
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('allow', 'GET, HEAD')
    return send(res, 405, 'text/plain; charset=utf-8', 'Files are read with GET or HEAD.\n')
  }
  const hash = match?.[1]
  const size = match?.[2] === undefined ? null : Number(match[2])
  const known = size === null || (thumbnailSizes as readonly number[]).includes(size)
  const asset = hash && known ? (await database.assets.byHashes([hash])).get(hash) : undefined
  if (!asset) return notFound(res)
  const open = (range?: ByteRange) =>
    size === null ? library.openFile(asset, range) : library.openThumbnail(asset, size, range)
  try {
    await sendFile(req, res, open, {
      type: size === null ? asset.mimeType : 'image/webp',
      etag: `"${asset.contentHash}${size === null ? '' : `-${size}`}"`,
      name: size === null ? asset.name : null,
    })
  } catch (error) {
    // A thumbnail that cannot be made of this image.
    if (!(error instanceof ItemError)) throw error
    send(res, 422, 'text/plain; charset=utf-8', `${error.message}\n`)
  }
}

const notFound = (res: ServerResponse) =>
  send(res, 404, 'text/plain; charset=utf-8', 'There is no such file.\n')

async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  open: (range?: ByteRange) => Promise<OpenFile | null>,
  { type, etag, name }: { type: AssetRow['mimeType']; etag: string; name: string | null },
): Promise<void> {
  let file = await open()
  // Deleted between the row's query and here, never on this server, or damaged.
  if (!file) return notFound(res)
  const { size } = file
  try {
    const mayBePart = req.headers['if-range'] === undefined || req.headers['if-range'] === etag
    const range = mayBePart ? parseRange(req.headers.range, size) : null
    if (range && range !== 'unsatisfiable') {
      // A range is read against the size, and so the part is opened in the place of the whole.
      file.stream.destroy()
      file = await open(range)
      if (!file) return notFound(res)
    }
    res.setHeader('etag', etag)
    res.setHeader('cache-control', 'public, max-age=31536000, immutable')
    res.setHeader('x-content-type-options', 'nosniff')
    // Pages of other origins show these images: plugins run in frames of their own.
    res.setHeader('cross-origin-resource-policy', 'cross-origin')
    // An SVG opened by its address is a document: without this its scripts would run as this server's.
    res.setHeader(
      'content-security-policy',
      "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    )
    res.setHeader('accept-ranges', 'bytes')
    if (name) res.setHeader('content-disposition', `inline; filename*=UTF-8''${encodeName(name)}`)
    if (matchesEtag(req.headers['if-none-match'], etag)) {
      res.writeHead(304).end()
      return
    }
    res.setHeader('content-type', type)
    if (range === 'unsatisfiable') {
      res.setHeader('content-range', `bytes */${size}`)
      res.writeHead(416, { 'content-length': 0 }).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: size - 1 }
    if (range) res.setHeader('content-range', `bytes ${start}-${end}/${size}`)
    res.writeHead(range ? 206 : 200, { 'content-length': end - start + 1 })
    if (req.method === 'HEAD') {
      res.end()
      return
    }
    await pipeline(file.stream, res)
  } catch (error) {
    // The reader went away in the middle: its matter alone.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  } finally {
    file?.stream.destroy()
  }
}

function matchesEtag(header: string | undefined, etag: string): boolean {
  const given = header?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? []
  return given.includes('*') || given.includes(etag)
}

/** RFC 8187 */
const encodeName = (name: string) =>
  encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
