import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A model hub on loopback, over HTTP as the real one: tree listing in pages, resolve with a redirect and Range. */
export interface TestHub extends AsyncDisposable {
  url: string
  /** `METHOD path range` of every request. */
  requests: string[]
  /** Without it nothing is given out; null where everybody may have everything. */
  token: string | null
  /** The files lie on another origin, which must not see the token. */
  elsewhere: string | null
  /** Requests that carried the token. */
  withToken: string[]
  /** What goes wrong; see each field. */
  faults: {
    /** Path to bytes after which its connection is cut, once for each entry. */
    cut: Map<string, number[]>
    /** Path to bytes a second. */
    slow: Map<string, number>
    /** Status instead of an answer. */
    status: number | null
    /** Requests answered with 503 first. */
    busy: number
    ignoreRange: boolean
  }
}

export async function startHub(model: string, files: Record<string, Buffer>, large = 1000): Promise<TestHub> {
  const requests: string[] = []
  const faults: TestHub['faults'] = {
    cut: new Map(),
    slow: new Map(),
    status: null,
    busy: 0,
    ignoreRange: false,
  }

  const entries = Object.entries(files).map(([path, content]) => {
    const git = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
    const sha256 = createHash('sha256').update(content).digest('hex')
    const lfs =
      content.length >= large ? { lfs: { oid: sha256, size: content.length, pointerSize: 130 } } : {}
    return { type: 'file', path, size: content.length, oid: git, ...lfs }
  })
  entries.push({ type: 'directory', path: 'onnx', size: 0, oid: '' })

  const tree = (url: URL, response: ServerResponse) => {
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const until = from + 4
    if (until < entries.length)
      response.setHeader('link', `<${url.origin}${url.pathname}?recursive=true&cursor=${until}>; rel="next"`)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(entries.slice(from, until)))
  }

  const content = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const whole = files[path]
    if (!whole) return response.writeHead(404).end()
    const from = faults.ignoreRange ? 0 : Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0)
    if (from >= whole.length && from > 0) return response.writeHead(416).end()
    const rest = whole.subarray(from)
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length })
    const cut = faults.cut.get(path)?.shift()
    if (cut !== undefined) {
      response.write(rest.subarray(0, cut))
      // What has come by then has been read: a reset throws away what a client has not taken yet.
      await new Promise((resolve) => setTimeout(resolve, 100))
      return response.destroy()
    }
    const speed = faults.slow.get(path)
    if (!speed) return response.end(rest)
    for (let at = 0; at < rest.length && !response.destroyed; at += speed / 20) {
      response.write(rest.subarray(at, at + speed / 20))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    response.end()
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, `http://${request.headers.host}`)
    requests.push(`${request.method} ${url.pathname} ${request.headers.range ?? ''}`.trim())
    if (request.headers.authorization) hub.withToken.push(url.pathname)
    if (
      hub.token &&
      request.headers.authorization !== `Bearer ${hub.token}` &&
      !url.pathname.startsWith('/cdn/')
    )
      return response.writeHead(401).end()
    if (faults.status) return response.writeHead(faults.status).end()
    if (faults.busy-- > 0) return response.writeHead(503).end()
    if (url.pathname === `/api/models/${model}/tree/main`) return tree(url, response)
    const resolve = `/${model}/resolve/main/`
    if (url.pathname.startsWith(resolve))
      return response
        .writeHead(302, { location: `${hub.elsewhere ?? ''}/cdn/${url.pathname.slice(resolve.length)}` })
        .end()
    if (url.pathname.startsWith('/cdn/'))
      return void (await content(url.pathname.slice(5), request, response))
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hub: TestHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    token: null,
    elsewhere: null,
    withToken: [],
    faults,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return hub
}
