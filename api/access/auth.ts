import type { IncomingHttpHeaders } from 'node:http'
import { echoed } from '../../workers/errors.ts'
import { Forbidden, Unauthenticated } from '../errors.ts'

type Headers = Pick<IncomingHttpHeaders, 'host' | 'origin' | 'authorization'> & IncomingHttpHeaders

/** The key of `x-api-key` or `Authorization: Bearer`. Penpot's sandbox always sends an empty Authorization: no key. */
export function presentedKey(headers: Headers): string | null {
  const own = headers['x-api-key']
  if (typeof own === 'string' && own.trim() !== '') return own.trim()
  const authorization = headers.authorization?.trim()
  if (!authorization) return null
  const bearer = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]
  if (bearer) return bearer
  throw new Unauthenticated('Authorization must be "Bearer KEY". `limn keys` shows the key of this server.')
}

const loopbackName = /^(localhost|[a-z0-9-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * A page that points its own name at 127.0.0.1 (DNS rebinding) is told by the name it uses.
 * @throws Forbidden
 */
export function checkLoopbackHost(host: string | undefined): void {
  if (host !== undefined && loopbackName.test(host)) return
  throw new Forbidden(
    `Without LIMN_API_KEY this server answers only to loopback names such as localhost, not to "${echoed(host ?? '')}".`,
  )
}

/**
 * Whether a page of another origin sends this. `null` (sandboxed frames such as Figma's) is foreign. Requests
 * that carry no Origin (images, navigation) are told by Sec-Fetch-Site; who sends neither is no browser.
 */
export function isForeign(headers: Headers): boolean {
  if (headers.origin !== undefined) return URL.parse(headers.origin)?.host !== headers.host
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}

export interface Access {
  /** LIMN_API_KEY is set: everybody needs it, and any Host name will do. */
  keyRequired: boolean
  matches(key: string): boolean
}

/** @throws Unauthenticated, Forbidden */
export function authorise(headers: Headers, access: Access): void {
  const key = presentedKey(headers)
  if (key !== null) {
    if (access.matches(key)) return
    throw new Unauthenticated('This server does not know that key. `limn keys` shows the right one.')
  }
  if (access.keyRequired)
    throw new Unauthenticated(
      'This server needs a key, in the header x-api-key or Authorization: Bearer KEY.',
    )
  if (isForeign(headers))
    throw new Unauthenticated(
      `Requests from other pages (Origin: ${echoed(headers.origin ?? 'not said')}) need a key, in the header x-api-key or Authorization: Bearer KEY. \`limn keys\` shows it.`,
    )
}
