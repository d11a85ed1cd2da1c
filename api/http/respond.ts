import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { jsonType, readsEventsOnly } from './negotiate.ts'

export function send(res: ServerResponse, status: number, type: string, body: string): void {
  writeHead(res, status, type, body)
  res.end(body)
}

function writeHead(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  })
}

/** How long a refused request may go on sending its body. */
const lingerMs = 10_000

/**
 * A refusal before GraphQL begins, in GraphQL's own shape so that clients need one way of reading errors. Who reads nothing
 * but events gets one: graphql-sse takes any other status for a fault of the network and tries again, for half a minute,
 * which is right for 5xx alone.
 */
export function sendError(req: IncomingMessage, res: ServerResponse, error: GraphQLError): void {
  const { http, ...extensions } = error.extensions as {
    http?: { status?: number; headers?: Record<string, string> }
  }
  for (const [name, value] of Object.entries(http?.headers ?? {})) res.setHeader(name, value)
  const status = http?.status ?? 500
  const body = JSON.stringify({ errors: [{ message: error.message, extensions }] })
  if (status < 500 && readsEventsOnly(req.headers.accept))
    finish(req, res, 200, 'text/event-stream', `event: next\ndata: ${body}\n\nevent: complete\ndata:\n\n`)
  else finish(req, res, status, `${jsonType(req.headers.accept)}; charset=utf-8`, body)
}

/** A connection that is closed while its client still sends is reset, and the answer may be lost with it. */
function finish(req: IncomingMessage, res: ServerResponse, status: number, type: string, body: string): void {
  if (req.complete) {
    send(res, status, type, body)
    return
  }
  writeHead(res, status, type, body)
  res.write(body)
  const end = () => {
    clearTimeout(timer)
    res.end()
  }
  const timer = setTimeout(end, lingerMs)
  req.once('end', end).once('close', end).resume()
}
