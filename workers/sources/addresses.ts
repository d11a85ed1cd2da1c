import ipaddr from 'ipaddr.js'

/**
 * Whether an address belongs to the public internet. Ranges that IANA set aside do not: loopback, private, link-local
 * (where clouds keep their metadata), carrier-grade NAT, multicast, documentation. Nor do the prefixes that carry an IPv4
 * address inside an IPv6 one (NAT64, 6to4, Teredo): they would lead around this check.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // IPv4-mapped IPv6 becomes the IPv4 address that a socket would connect to.
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  if (parsed.kind() === 'ipv4') return !forbiddenUnicast.has(parsed.toString())
  // ::a.b.c.d and other leftovers are unicast, but not global.
  return parsed.match(globalUnicast)
}

const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** Public by number, internal by use: Azure's wire server. */
const forbiddenUnicast = new Set(['168.63.129.16'])
