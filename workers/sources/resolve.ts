import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { ItemError } from '../errors.ts'
import { isPublicAddress } from './addresses.ts'

/**
 * The addresses of a host that may be connected to; the connection must go to one of these and not look the name up
 * again.
 * @throws ItemError URL_FORBIDDEN when one of them is not public, URL_FAILED when the name is not known
 */
export async function publicAddresses(hostname: string): Promise<{ address: string; family: number }[]> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host)
    ? [{ address: host, family: isIP(host) }]
    : await lookup(host, { all: true }).catch(() => {
        throw new ItemError('URL_FAILED', `The host "${host}" is not known.`)
      })
  if (!addresses.every(({ address }) => isPublicAddress(address))) throw forbidden(host)
  return addresses
}

const forbidden = (host: string) =>
  new ItemError(
    'URL_FORBIDDEN',
    `"${host}" is no address of the public internet; only those are fetched. Upload the picture instead.`,
  )
