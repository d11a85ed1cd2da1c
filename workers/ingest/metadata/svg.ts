import { decodeXml } from '../../images/formats/xml-encoding.ts'
import type { Fields } from './fields.ts'
import { fieldsOfRdf } from './rdf.ts'
import { elementsOf, parseXml, textOf, type XmlElement } from './xml.ts'

/**
 * A drawing's own title and description, as a viewer shows them, not those of its parts; else those of its metadata, where
 * the keywords are too.
 */
export async function readSvg(bytes: Uint8Array): Promise<Fields> {
  const root = await parseXml(
    decodeXml(bytes).replace(/^\s*\ufeff?/, ''),
    (name, depth) => depth !== 1 || ['title', 'desc', 'metadata'].includes(name),
  )
  if (!root) return {}
  const parts = elementsOf(root)
  const rdf = parts
    .filter(({ name }) => name === 'metadata')
    .flatMap(elementsOf)
    .find(({ name }) => name === 'rdf:RDF')
  const other: Fields = rdf ? fieldsOfRdf(rdf) : {}
  return {
    title: own(parts, 'title') ?? other.title ?? other.headline,
    description: own(parts, 'desc') ?? other.description,
    keywords: other.keywords,
  }
}

/** The one without a language, else the first. */
function own(parts: readonly XmlElement[], name: string): string | undefined {
  const all = parts.filter((part) => part.name === name && textOf(part).trim() !== '')
  const plain = all.find(({ attributes }) => !('lang' in attributes || 'xml:lang' in attributes))
  const found = plain ?? all[0]
  // Line breaks of the source are blanks to a viewer.
  return found && textOf(found).replace(/\s+/g, ' ')
}
