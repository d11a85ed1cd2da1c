import type { LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { ItemError } from '../errors.ts'
import { publicAddresses } from './resolve.ts'

export interface FetchOptions {
  maxBytes: number
  signal?: AbortSignal
  /** Private and loopback addresses too: only where every caller is trusted. */
  allowPrivate?: boolean
  timeoutMs?: number
}

const mostRedirects = 5

/**
 * The bytes behind an http(s) address. Only public addresses are connected to: names are looked up once, checked, and
 * the connection goes to what was checked, on every redirect anew (so no rebinding).
 * @throws ItemError INVALID, URL_FORBIDDEN, URL_FAILED, TOO_LARGE, EMPTY; the signal's reason when aborted
 */
export async function fetchImage(address: string, options: FetchOptions): Promise<Uint8Array> {
  const { signal, timeoutMs = 10_000 } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout
  let url = checked(address)
  try {
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const answer = await visit(url, options, either)
      if (answer instanceof Uint8Array) return answer
      url = checked(new URL(answer.location, url).href)
    }
    throw new ItemError('URL_FAILED', `The address redirects more than ${mostRedirects} times.`)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ItemError) throw error
    if (timeout.aborted)
      throw new ItemError('URL_FAILED', `The host "${url.hostname}" did not answer within ${timeoutMs} ms.`)
    throw new ItemError(
      'URL_FAILED',
      `The picture could not be fetched from "${url.hostname}" (${codeOf(error)}).`,
    )
  }
}

/** Network errors by their code: their messages may name addresses of the inside. */
const codeOf = (error: unknown) => {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  return code ?? cause?.code ?? 'no answer'
}

function checked(address: string): URL {
  const url = URL.parse(address)
  if (!url) throw new ItemError('INVALID', 'This is not an address that can be fetched.')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ItemError(
      'URL_FORBIDDEN',
      `Addresses of ${url.protocol} are not fetched, only http: and https:.`,
    )
  if (url.username || url.password)
    throw new ItemError('URL_FORBIDDEN', 'Addresses with a user name or password are not fetched.')
  return url
}

async function visit(
  url: URL,
  options: FetchOptions,
  signal: AbortSignal,
): Promise<Uint8Array | { location: string }> {
  const agent = new Agent({
    connect: options.allowPrivate ? {} : { lookup: pinned(await publicAddresses(url.hostname)) },
  })
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      headers: { accept: 'image/*', 'user-agent': 'limn' },
    })
    if (statusCode >= 300 && statusCode < 400 && headers.location)
      return { location: String(headers.location) }
    if (statusCode !== 200)
      throw new ItemError('URL_FAILED', `The host "${url.hostname}" answered with status ${statusCode}.`)
    return await read(body, options.maxBytes, Number(headers['content-length'] ?? 0))
  } finally {
    // Not waited for: an endless body would be read to its end.
    void agent.destroy()
  }
}

/** A lookup that knows only what was checked. */
function pinned(addresses: { address: string; family: number }[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all) callback(null, addresses)
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  }
}

async function read(body: AsyncIterable<Buffer>, maxBytes: number, stated: number): Promise<Uint8Array> {
  const tooLarge = () => new ItemError('TOO_LARGE', `The fetched file has more than ${maxBytes} bytes.`)
  if (stated > maxBytes) throw tooLarge()
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > maxBytes) throw tooLarge()
    parts.push(part)
  }
  if (size === 0) throw new ItemError('EMPTY', 'The address gave no bytes.')
  return Buffer.concat(parts)
}
