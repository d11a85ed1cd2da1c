import { Forbidden } from '../../schema/core/caller.ts'
import { echoed } from '../../workers/errors.ts'

const loopbackName = /^(localhost|[a-z0-9-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * The name in Host gives away a page that points its own name at 127.0.0.1 (DNS rebinding).
 * @throws Forbidden
 */
export function checkLoopbackHost(host: string | undefined): void {
  if (host !== undefined && loopbackName.test(host)) return
  throw new Forbidden(
    `Without LIMN_API_KEY this server answers only to loopback names such as localhost, not to "${echoed(host ?? '')}".`,
  )
}
