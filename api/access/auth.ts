import type { IncomingHttpHeaders } from 'node:http'
import { type Caller, scopes } from '../../schema/core/caller.ts'
import { echoed } from '../../workers/errors.ts'
import { Unauthenticated } from '../errors.ts'

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

/**
 * Whether a page of another origin sends this. `null` (sandboxed frames such as Figma's) is foreign. Of requests without
 * Origin (images, navigation) Sec-Fetch-Site tells; no browser sends neither.
 */
export function isForeign(headers: Headers): boolean {
  if (headers.origin !== undefined) return URL.parse(headers.origin)?.host !== headers.host
  const site = headers['sec-fetch-site']
  return site === 'cross-site' || site === 'same-site'
}

/** May do everything, with the whole of each queue. */
const owner = { scopes, tenant: null, collection: null, share: 1 } as const

/** Who uses this machine, without a key. */
const localCaller: Caller = { id: 'local', ...owner }

/** The holder of the server's one key. */
export const ownerCaller: Caller = { id: 'owner', ...owner }

export interface AccessOptions {
  /** LIMN_API_KEY is set: everybody needs a key, and any Host name will do. */
  keyRequired: boolean
  /** Null for a key that this server does not know. */
  callerOf(key: string): Caller | null
}

/** Tells who sends a request. */
export class Access {
  readonly keyRequired: boolean
  readonly #callerOf: AccessOptions['callerOf']

  constructor({ keyRequired, callerOf }: AccessOptions) {
    this.keyRequired = keyRequired
    this.#callerOf = callerOf
  }

  /** @throws Unauthenticated */
  authenticate(headers: Headers): Caller {
    const key = presentedKey(headers)
    if (key !== null) {
      const caller = this.#callerOf(key)
      if (caller) return caller
      throw new Unauthenticated('This server does not know that key. `limn keys` shows the right one.')
    }
    if (this.keyRequired)
      throw new Unauthenticated(
        'This server needs a key, in the header x-api-key or Authorization: Bearer KEY.',
      )
    if (isForeign(headers))
      throw new Unauthenticated(
        `Requests from other pages (Origin: ${echoed(headers.origin ?? 'absent')}) need a key, in the header x-api-key or Authorization: Bearer KEY. \`limn keys\` shows it.`,
      )
    return localCaller
  }
}
