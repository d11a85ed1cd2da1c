import { decodeXml } from '../../images/formats/xml-encoding.ts'
import type { Fields } from './fields.ts'
import { fieldsOfRdf } from './rdf.ts'
import { elementsOf, parseXml } from './xml.ts'

/** Packets hold kilobytes; more is not read. */
const maxBytes = 4 * 2 ** 20

/** Title, description, keywords and dates of an XMP packet. */
export async function readXmp(packet: Uint8Array): Promise<Fields> {
  // Programs end or fill it with NULs.
  const text = decodeXml(packet.subarray(0, maxBytes))
    .replaceAll('\0', ' ')
    .replace(/^\s*\ufeff?/, '')
  const root = await parseXml(text)
  if (!root) return {}
  const rdf = root.name === 'rdf:RDF' ? root : elementsOf(root).find(({ name }) => name === 'rdf:RDF')
  return rdf ? fieldsOfRdf(rdf) : {}
}
