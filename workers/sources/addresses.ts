import ipaddr from 'ipaddr.js'

/**
 * Whether an address belongs to the public internet. Everything that IANA set aside is not: loopback, private,
 * link-local (where clouds keep their metadata), carrier-grade NAT, multicast, documentation, and the prefixes that
 * carry an IPv4 address inside an IPv6 one (NAT64, 6to4, Teredo), as they would lead around this check.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // IPv4-mapped IPv6 becomes the IPv4 address that would be connected to.
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  if (parsed.kind() === 'ipv4') return !forbiddenUnicast.has(parsed.toString())
  // Global unicast; ::a.b.c.d and other leftovers are outside of it.
  return parsed.match(globalUnicast)
}

const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** Public by their number, internal by their use: Azure's wire server. */
const forbiddenUnicast = new Set(['168.63.129.16'])
