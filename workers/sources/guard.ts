/** Connections to the public internet only. */
import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { ItemError } from '../errors.ts'
import { isPublicAddress } from './addresses.ts'

/** The address or name leads into the server's own network. */
export class ForbiddenAddress extends ItemError {
  constructor() {
    super(
      'URL_FORBIDDEN',
      'The address does not lead to the public internet, and only public hosts are fetched from. Send the file itself.',
    )
  }
}

const ports = ['', '80', '443', '8080', '8443']

/**
 * Checks the port, and the host where it is an address: the URL parser has turned 0x7f.1 and 2130706433 into 127.0.0.1.
 * @throws ItemError URL_FORBIDDEN
 */
export function checkPublicUrl(url: URL): void {
  if (!ports.includes(url.port))
    throw new ItemError(
      'URL_FORBIDDEN',
      `Port ${url.port} is not fetched from; only 80, 443, 8080 and 8443 are.`,
    )
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && !isPublicAddress(host)) throw new ForbiddenAddress()
}

/**
 * A connector for undici that checks the addresses which this very connection resolved, so that a name that changes
 * between check and use (DNS rebinding) gains nothing. It checks the connected peer once more.
 */
export function guardedConnector(
  lookup: LookupFunction = systemLookup as LookupFunction,
): buildConnector.connector {
  const connect = buildConnector({ lookup: guardedLookup(lookup) })
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error) return callback(error, null)
      if (isPublicAddress((socket as Socket).remoteAddress ?? '')) return callback(null, socket!)
      socket!.destroy()
      callback(new ForbiddenAddress(), null)
    })
}

function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const addresses = found as unknown as { address: string; family: number }[]
      const [first] = addresses
      // A private address among public ones is no accident.
      if (!first || !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new ForbiddenAddress(), '')
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
