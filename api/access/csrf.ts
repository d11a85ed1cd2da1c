import type { IncomingHttpHeaders } from 'node:http'
import { Forbidden } from '../../schema/core/caller.ts'

/** Bodies that a plain form can send to any server without the browser asking first. */
const simple = /^\s*(multipart\/form-data|application\/x-www-form-urlencoded|text\/plain)\b/i

/** A page can set one of these only after the browser has asked the server by a preflight. */
const proofs = [
  'x-limn-client',
  'x-api-key',
  'authorization',
  'x-apollo-operation-name',
  'apollo-require-preflight',
  'graphql-preflight',
  'x-graphql-yoga-csrf',
] as const

/** @throws Forbidden for a body that a foreign form could have sent */
export function checkForgery(method: string | undefined, headers: IncomingHttpHeaders): void {
  if (method !== 'POST') return
  const type = headers['content-type']
  if (type !== undefined && !simple.test(type)) return
  if (proofs.some((name) => headers[name] !== undefined)) return
  throw new Forbidden(
    `A request of type ${type?.split(';')[0] ?? '(none)'} needs the header x-limn-client (or ${proofs.slice(3).join(', ')}; with any value), so that no web page can forge it.`,
  )
}
