import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { type FetchOptions, fetchImage } from '../../../workers/sources/fetch.ts'

const bytes = Buffer.from('fetching does not look into the image')
let server: Server
let base: string
let requests: string[]
let open: Set<ServerResponse>

const answers: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  '/image': (_req, res) => res.end(bytes),
  '/empty': (_req, res) => res.end(),
  '/gone': (_req, res) => res.writeHead(404).end('secret page'),
  '/relative': (_req, res) => res.writeHead(302, { location: 'image' }).end(),
  '/loop': (_req, res) => res.writeHead(302, { location: '/loop' }).end('x'.repeat(100_000)),
  '/to-file': (_req, res) => res.writeHead(301, { location: 'file:///etc/passwd' }).end(),
  '/to-key': (_req, res) => res.writeHead(307, { location: 'http://user:key@localhost/' }).end(),
  '/to-nowhere': (_req, res) => res.writeHead(302, { location: 'http://[' }).end(),
  '/stated': (_req, res) => res.writeHead(200, { 'content-length': 10_000_000 }).flushHeaders(),
  '/gzip': (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
  '/brotli': (_req, res) => res.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(bytes)),
  '/bomb': (_req, res) =>
    res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
  '/broken-gzip': (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes),
  '/zstd': (_req, res) => res.writeHead(200, { 'content-encoding': 'zstd' }).end(bytes),
  '/endless': (_req, res) => {
    const more = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65_536)));
      if (!res.destroyed) res.once('drain', more)
    }
    more()
  },
  '/silent': () => {},
  '/slow': (_req, res) => void res.write('x'),
  '/cut': (_req, res) => {
    res.writeHead(200, { 'content-length': 1000 }).write('x')
    setImmediate(() => res.destroy())
  },
}

beforeAll(async () => {
  server = createServer((req, res) => {
    requests.push(`${req.headers.host} ${req.url}`)
    open.add(res)
    answers[req.url!]?.(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  requests = []
  open = new Set()
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function codeOf(url: string, options: Partial<FetchOptions> = {}): Promise<string> {
  const error = await fetchImage(url, { maxBytes: 1_000_000, ...options }).then(
    () => new Error('the fetch succeeded'),
    (error) => error,
  )
  if (!(error instanceof ItemError)) throw error
  expect(error.message).not.toMatch(/127\.0\.0\.1|ECONN|secret|undici/)
  return error.code
}
const trusted = { maxBytes: 1_000_000, allowPrivate: true }
const resolvesTo =
  (...addresses: string[]): LookupFunction =>
  (_hostname, options, callback) => {
    const found = addresses.map((address) => ({ address, family: 4 }))
    if (options.all) callback(null, found)
    else callback(null, found[0]!.address, 4)
  }

describe('fetching from the public internet', () => {
  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::]/',
    'http://169.254.169.254/latest/meta-data',
    'http://[fd00:ec2::254]/',
    'http://[64:ff9b::a00:1]/',
    'http://10.0.0.1:8080/',
    'ftp://example.com/a.png',
    'file:///etc/passwd',
    'http://user:key@example.com/',
    'http://example.com:22/',
    'http://example.com:6379/',
  ])('%s is forbidden', async (url) => expect(await codeOf(url)).toBe('URL_FORBIDDEN'))

  it('a text that is no URL is INVALID', async () => {
    expect(await codeOf('image.png')).toBe('INVALID')
    expect(await codeOf('')).toBe('INVALID')
  })

  it('a name is forbidden when any of its addresses is private', async () => {
    for (const lookup of [resolvesTo('127.0.0.1'), resolvesTo('8.8.8.8', '10.0.0.1'), resolvesTo()])
      expect(await codeOf('http://images.example/', { lookup })).toBe('URL_FORBIDDEN')
    expect(requests).toEqual([])
  })

  it('a fetch connects to the addresses that it checked: a name that resolves otherwise the second time gains nothing', async () => {
    let lookups = 0
    const rebinding: LookupFunction = (hostname, options, callback) =>
      resolvesTo(lookups++ === 0 ? '192.0.2.1' : '127.0.0.1')(hostname, options, callback)
    expect(await codeOf('http://images.example/', { lookup: rebinding })).toBe('URL_FORBIDDEN')
    expect(lookups).toBe(1)
  })

  it('every redirect is checked', async () => {
    expect(await codeOf(`${base}/to-file`, trusted)).toBe('URL_FORBIDDEN')
    expect(await codeOf(`${base}/to-key`, trusted)).toBe('URL_FORBIDDEN')
    expect(await codeOf(`${base}/to-nowhere`, trusted)).toBe('INVALID')
    expect(requests).toHaveLength(3)
  })
})

describe('fetching where private hosts are allowed', () => {
  it.each(['/image', '/relative', '/gzip', '/brotli'])('the image at %s is fetched', async (path) =>
    expect(Buffer.from(await fetchImage(base + path, trusted))).toEqual(bytes),
  )

  it.each([
    ['/empty', 'EMPTY'],
    ['/gone', 'URL_FAILED'],
    ['/loop', 'URL_FAILED'],
    ['/stated', 'TOO_LARGE'],
    ['/endless', 'TOO_LARGE'],
    ['/bomb', 'TOO_LARGE'],
    ['/broken-gzip', 'URL_FAILED'],
    ['/zstd', 'URL_FAILED'],
    ['/cut', 'URL_FAILED'],
  ])('a fetch of %s fails with %s', async (path, code) =>
    expect(await codeOf(base + path, trusted)).toBe(code),
  )

  it('a fetch follows five redirects and no more', async () => {
    await codeOf(`${base}/loop`, trusted)
    expect(requests).toHaveLength(6)
  })

  it.each(['/silent', '/slow'])('a fetch of %s ends after its timeout', async (path) => {
    expect(await codeOf(base + path, { ...trusted, timeoutMs: 100 })).toBe('URL_FAILED')
    for (const res of open) if (!res.destroyed) await new Promise((resolve) => res.once('close', resolve))
  })

  it("an aborted fetch ends with the caller's reason", async () => {
    const caller = new AbortController()
    const fetching = fetchImage(`${base}/slow`, { ...trusted, signal: caller.signal })
    const reason = new Error('the caller left')
    setTimeout(() => caller.abort(reason), 50)
    await expect(fetching).rejects.toBe(reason)
  })

  it('a fetch from an unknown name fails without naming an address', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND 127.0.0.1'), { code: 'ENOTFOUND' }), '')
    expect(await codeOf('http://images.example/', { lookup })).toBe('URL_FAILED')
  })
})
