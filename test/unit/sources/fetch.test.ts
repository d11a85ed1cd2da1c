import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { type FetchOptions, fetchImage } from '../../../workers/sources/fetch.ts'

const bytes = Buffer.from('an image, as far as this is concerned')
let server: Server
let base: string
let asked: string[]
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
    asked.push(`${req.headers.host} ${req.url}`)
    open.add(res)
    answers[req.url!]?.(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  asked = []
  open = new Set()
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function codeOf(url: string, options: Partial<FetchOptions> = {}): Promise<string> {
  const error = await fetchImage(url, { maxBytes: 1_000_000, ...options }).then(
    () => new Error('it was fetched'),
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

describe('only the public internet', () => {
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

  it('says of what is no URL that it is none', async () => {
    expect(await codeOf('image.png')).toBe('INVALID')
    expect(await codeOf('')).toBe('INVALID')
  })

  it('looks at what a name resolves to, all of it', async () => {
    for (const lookup of [resolvesTo('127.0.0.1'), resolvesTo('8.8.8.8', '10.0.0.1'), resolvesTo()])
      expect(await codeOf('http://images.example/', { lookup })).toBe('URL_FORBIDDEN')
    expect(asked).toEqual([])
  })

  it('connects to what it looked at: a name that answers otherwise the second time gains nothing', async () => {
    let asks = 0
    const rebinding: LookupFunction = (hostname, options, callback) =>
      resolvesTo(asks++ === 0 ? '192.0.2.1' : '127.0.0.1')(hostname, options, callback)
    expect(await codeOf('http://images.example/', { lookup: rebinding })).toBe('URL_FORBIDDEN')
    expect(asks).toBe(1)
  })

  it('looks at every redirect', async () => {
    expect(await codeOf(`${base}/to-file`, trusted)).toBe('URL_FORBIDDEN')
    expect(await codeOf(`${base}/to-key`, trusted)).toBe('URL_FORBIDDEN')
    expect(await codeOf(`${base}/to-nowhere`, trusted)).toBe('INVALID')
    expect(asked).toHaveLength(3)
  })
})

describe('where private hosts are allowed', () => {
  it.each(['/image', '/relative', '/gzip', '/brotli'])('fetches %s', async (path) =>
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
  ])('%s is %s', async (path, code) => expect(await codeOf(base + path, trusted)).toBe(code))

  it('follows five redirects and no more', async () => {
    await codeOf(`${base}/loop`, trusted)
    expect(asked).toHaveLength(6)
  })

  it.each(['/silent', '/slow'])('does not wait for %s longer than it may', async (path) => {
    expect(await codeOf(base + path, { ...trusted, timeoutMs: 100 })).toBe('URL_FAILED')
    for (const res of open) if (!res.destroyed) await new Promise((resolve) => res.once('close', resolve))
  })

  it("ends with the caller's reason when the caller goes", async () => {
    const caller = new AbortController()
    const fetching = fetchImage(`${base}/slow`, { ...trusted, signal: caller.signal })
    const reason = new Error('the caller has gone')
    setTimeout(() => caller.abort(reason), 50)
    await expect(fetching).rejects.toBe(reason)
  })

  it('says of a name that is not known that it is not', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND 127.0.0.1'), { code: 'ENOTFOUND' }), '')
    expect(await codeOf('http://images.example/', { lookup })).toBe('URL_FAILED')
  })
})
