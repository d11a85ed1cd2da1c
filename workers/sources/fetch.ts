/** Fetches images from addresses that a caller names, without letting the caller into the server's own network. */
import type { LookupFunction } from 'node:net'
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher, request } from 'undici'
import { echoed, ItemError, RequestError } from '../errors.ts'
import { checkPublicUrl, guardedConnector } from './guard.ts'

/** Counts the bytes of several images that are held together. */
export interface ByteCount {
  /** @throws ItemError TOO_LARGE or a RequestError where so many more are too many */
  take(bytes: number): void
  /** Of an image that failed. */
  give(bytes: number): void
}

export interface FetchOptions {
  /** The maximum bytes of the image, counted as they arrive and after decompression. */
  maxBytes: number
  signal?: AbortSignal
  count?: ByteCount
  /** Allows private and loopback hosts and all ports: only where every caller is trusted. */
  allowPrivate?: boolean
  /** For all of it: names, redirects, headers and body. */
  timeoutMs?: number
  maxRedirects?: number
  /** The system's resolver when absent. */
  lookup?: LookupFunction
}

/**
 * The bytes behind an http(s) address, after redirects. Connects to public addresses only (see guard.ts).
 * @throws ItemError INVALID, URL_FORBIDDEN, URL_FAILED, TOO_LARGE, EMPTY; what `count` throws; the signal's reason when
 * aborted
 */
export async function fetchImage(address: string, options: FetchOptions): Promise<Uint8Array> {
  const { signal, timeoutMs = 10_000, allowPrivate = false, lookup } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const agent = new Agent({
    connect: allowPrivate ? (lookup ? { lookup } : {}) : guardedConnector(lookup),
    pipelining: 0,
  })
  try {
    return await follow(address, options, agent, signal ? AbortSignal.any([signal, timeout]) : timeout)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (timeout.aborted)
      throw new ItemError(
        'URL_FAILED',
        `The image did not arrive within ${timeoutMs} ms. Send the file itself.`,
      )
    throw fetchError(error)
  } finally {
    // Without await: it would read an endless body to its end.
    void agent.destroy()
  }
}

async function follow(
  address: string,
  { maxBytes, count, allowPrivate, maxRedirects = 5 }: FetchOptions,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let url = checkedUrl(address, allowPrivate)
  for (let hops = 0; ; hops++) {
    const response = await request(url, {
      dispatcher,
      signal,
      headers: { accept: 'image/*,*/*;q=0.5', 'accept-encoding': 'identity', 'user-agent': 'limn' },
    })
    const location = redirection(response)
    if (location === null) return read(response, maxBytes, count)
    // Errors of the discarded body do not matter.
    response.body.on('error', () => {}).destroy()
    if (hops === maxRedirects)
      throw new ItemError(
        'URL_FAILED',
        `The address redirects more than ${maxRedirects} times. Give the final one.`,
      )
    url = checkedUrl(URL.parse(location, url)?.href ?? '', allowPrivate)
  }
}

function checkedUrl(address: string, allowPrivate = false): URL {
  const url = URL.parse(address)
  if (!url) throw new ItemError('INVALID', 'The address is no URL. It must begin with https:// or http://.')
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new ItemError(
      'URL_FORBIDDEN',
      `Addresses of "${echoed(url.protocol)}" are not fetched; only https: and http: are.`,
    )
  if (url.username || url.password)
    throw new ItemError(
      'URL_FORBIDDEN',
      'An address with a user name or password is not fetched. Send the file itself.',
    )
  if (!allowPrivate) checkPublicUrl(url)
  return url
}

function redirection({ statusCode, headers }: Dispatcher.ResponseData): string | null {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return null
  return [headers.location].flat()[0] ?? null
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  count?: ByteCount,
): Promise<Uint8Array> {
  let size = 0
  try {
    if (statusCode < 200 || statusCode > 299)
      throw new ItemError('URL_FAILED', `The address answered with status ${statusCode} instead of an image.`)
    if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
    const chunks: Uint8Array[] = []
    for await (const chunk of decompressed(body, [headers['content-encoding']].flat().join(','))) {
      if (size + chunk.length > maxBytes) throw tooLarge(maxBytes)
      count?.take(chunk.length)
      size += chunk.length
      chunks.push(chunk)
    }
    if (size === 0) throw new ItemError('EMPTY', 'The address answered without any bytes.')
    return Buffer.concat(chunks)
  } catch (error) {
    count?.give(size)
    throw error
  } finally {
    body.on('error', () => {}).destroy()
  }
}

const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** Some hosts compress although the request forbids it. */
function decompressed(body: Readable, encoding: string): AsyncIterable<Uint8Array> {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return body
  const make = Object.hasOwn(decompressors, name) ? decompressors[name] : undefined
  if (!make)
    throw new ItemError(
      'URL_FAILED',
      `The address answered in the encoding "${echoed(name)}", which is not read.`,
    )
  // The reader gets an error of either through the stream itself.
  return pipeline(body, make(), () => {})
}

const tooLarge = (maxBytes: number) =>
  new ItemError(
    'TOO_LARGE',
    `The image has more than ${maxBytes} bytes, the limit. Send a smaller version.`,
    {
      limit: maxBytes,
    },
  )

/** An error that names none of the addresses and hosts on the way. */
function fetchError(error: unknown): ItemError | RequestError {
  if (error instanceof ItemError || error instanceof RequestError) return error
  const { code = '', cause } = error as NodeJS.ErrnoException
  if (cause instanceof ItemError) return cause
  const why = /^(ENOTFOUND|EAI_AGAIN|ENODATA)$/.test(code)
    ? "the host's name is not known"
    : /CERT|SSL|TLS|SELF_SIGNED/.test(code)
      ? "the host's certificate is not valid"
      : /^Z_|BROTLI|_ERROR_/.test(code)
        ? 'the answer is compressed and damaged'
        : 'the connection failed'
  return new ItemError('URL_FAILED', `The image could not be fetched: ${why}.`, { cause: error })
}
