import type { IncomingMessage, ServerResponse } from 'node:http'

const allowedHeaders =
  'content-type, accept, authorization, x-api-key, x-limn-client, x-limn-timings, x-request-id, apollo-require-preflight, range, if-none-match'

/** Names of headers, as a browser lists them. */
const names = /^[\w!#$%&'*+.^`|~-]+(\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/

/**
 * Any page may read what it has a key for: `*`, never with credentials (there are no cookies to send). The value
 * is the same for every caller, so nothing varies by Origin. Returns true where the request was a preflight and
 * is answered.
 */
export function cors(req: IncomingMessage, res: ServerResponse): boolean {
  res.setHeader('access-control-allow-origin', '*')
  if (req.method !== 'OPTIONS') {
    res.setHeader(
      'access-control-expose-headers',
      'retry-after, x-request-id, x-limn-version, etag, content-range',
    )
    return false
  }
  res.setHeader('access-control-allow-methods', 'GET, HEAD, POST, OPTIONS')
  // Clients and tracers add headers of their own; a literal * would not cover Authorization (Fetch, "CORS-preflight fetch").
  const asked = req.headers['access-control-request-headers']?.trim() ?? ''
  const echo = asked.length <= 4096 && names.test(asked)
  res.setHeader('access-control-allow-headers', echo ? `${allowedHeaders}, ${asked}` : allowedHeaders)
  res.setHeader('vary', 'access-control-request-headers')
  res.setHeader('access-control-max-age', '86400')
  // A public page that asks for a server on this machine or network (Private Network Access).
  if (req.headers['access-control-request-private-network'] === 'true')
    res.setHeader('access-control-allow-private-network', 'true')
  res.writeHead(204).end()
  return true
}
