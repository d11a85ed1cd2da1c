import { parseDate } from './dates.ts'
import type { Fields } from './fields.ts'
import { elementsOf, textOf, type XmlElement } from './xml.ts'

/** What RDF says: of the image itself, and not of its author, its history or its parts, which have titles too. */
export function fieldsOfRdf(rdf: XmlElement): Fields {
  const resources = elementsOf(rdf)
  const property = (name: string): string | undefined => {
    for (const resource of resources) {
      for (const element of elementsOf(resource))
        if (element.name === name) {
          const text = inDefaultLanguage(element)
          if (text !== undefined) return text
        }
      const short = resource.attributes[name]
      if (short?.trim()) return short
    }
  }
  const subjects = resources.flatMap((resource) =>
    elementsOf(resource).filter(({ name }) => name === 'dc:subject'),
  )
  return {
    title: property('dc:title'),
    headline: property('photoshop:Headline'),
    description: property('dc:description'),
    keywords: subjects.flatMap(wordsOf),
    taken: [parseDate(property('exif:DateTimeOriginal')), parseDate(property('photoshop:DateCreated'))],
    made: parseDate(property('xmp:CreateDate')),
  }
}

const containers = ['rdf:Alt', 'rdf:Bag', 'rdf:Seq']

const itemsOf = (property: XmlElement): XmlElement[] | null => {
  const container = elementsOf(property).find(({ name }) => containers.includes(name))
  return container ? elementsOf(container).filter(({ name }) => name === 'rdf:li') : null
}

/** The alternative without a language of its own, else the first: each is the whole text in another language. */
function inDefaultLanguage(property: XmlElement): string | undefined {
  const items = itemsOf(property)
  if (!items) return plainText(property)
  const byDefault = items.filter(({ attributes }) => attributes['xml:lang']?.toLowerCase() === 'x-default')
  return [...byDefault, ...items].map(plainText).find((text) => text !== undefined)
}

/** Each item is one keyword, commas and all; only a list that was written as one text is taken apart. */
function wordsOf(subject: XmlElement): string[] {
  const items = itemsOf(subject)
  if (items) return items.flatMap((item) => plainText(item) ?? [])
  return plainText(subject)?.split(/\s*[,;]\s*/) ?? []
}

/** Undefined where it is blank. A value with qualifiers stands in an element of its own. */
function plainText(element: XmlElement): string | undefined {
  const inner = elementsOf(element)
    .flatMap((child) => [child, ...elementsOf(child)])
    .find(({ name }) => name === 'rdf:value')
  const text = textOf(inner ?? element)
  return text.trim() === '' ? undefined : text
}
