import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { jsonType } from './negotiate.ts'

export function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  })
  res.end(body)
}

/** A refusal before GraphQL begins, in GraphQL's own shape so that clients need one way of reading errors. */
export function sendError(req: IncomingMessage, res: ServerResponse, error: GraphQLError): void {
  const { http, ...extensions } = error.extensions as {
    http?: { status?: number; headers?: Record<string, string> }
  }
  for (const [name, value] of Object.entries(http?.headers ?? {})) res.setHeader(name, value)
  const body = JSON.stringify({ errors: [{ message: error.message, extensions }] })
  send(res, http?.status ?? 500, `${jsonType(req.headers.accept)}; charset=utf-8`, body)
}
