import { setImmediate as turn } from 'node:timers/promises'
import { SaxesParser, type SaxesTagPlain } from 'saxes'

/** An element; names have the prefixes of {@link prefixes}, whatever prefix the file gives the namespace. */
export interface XmlElement {
  name: string
  attributes: Record<string, string>
  children: (XmlElement | string)[]
}

/** Namespaces that are looked into. SVG's elements have no prefix. */
const prefixes: Record<string, string> = {
  'http://www.w3.org/1999/02/22-rdf-syntax-ns#': 'rdf:',
  'http://purl.org/dc/elements/1.1/': 'dc:',
  'http://ns.adobe.com/photoshop/1.0/': 'photoshop:',
  'http://ns.adobe.com/exif/1.0/': 'exif:',
  'http://ns.adobe.com/xap/1.0/': 'xmp:',
  'http://www.w3.org/2000/svg': '',
}

/** Characters between two turns of the event loop. */
const piece = 65_536
const maxErrors = 1000
/** Of the elements that are kept. */
const maxElements = 20_000
const maxMs = 2_000

/**
 * The root of a document, forgiving what is wrong with it; null where there is none. `wanted` is asked for each element
 * with how deep it stands; without it nothing is kept of the element and what it holds. Gives others a turn between
 * pieces, and ends early where the document is too large to be read in time.
 */
export async function parseXml(
  text: string,
  wanted: (name: string, depth: number) => boolean = () => true,
): Promise<XmlElement | null> {
  const tree = new TreeBuilder(wanted)
  const until = performance.now() + maxMs
  for (let at = 0; at < text.length && tree.going && performance.now() < until; at += piece) {
    if (at > 0) await turn()
    tree.write(text.slice(at, at + piece))
  }
  return tree.root
}

class TreeBuilder {
  root: XmlElement | null = null
  readonly #parser = new SaxesParser({ xmlns: false, position: false })
  readonly #wanted: (name: string, depth: number) => boolean
  readonly #open: XmlElement[] = []
  /** Prefixes of the file, by element: inner ones inherit. */
  readonly #scopes: Record<string, string>[] = [{}]
  /** Depth below an element that is not wanted. */
  #skipped = 0
  #elements = 0
  #errors = 0

  constructor(wanted: (name: string, depth: number) => boolean) {
    this.#wanted = wanted
    const parser = this.#parser
    parser.on('error', () => void this.#errors++)
    parser.on('doctype', (type) => this.#declare(type))
    parser.on('opentag', (tag: SaxesTagPlain) => this.#begin(tag))
    parser.on('closetag', () => this.#end())
    const text = (value: string) => {
      if (this.#skipped === 0) this.#open.at(-1)?.children.push(value)
    }
    parser.on('text', text)
    parser.on('cdata', text)
  }

  get going(): boolean {
    return this.#errors <= maxErrors && this.#elements <= maxElements
  }

  write(text: string): void {
    this.#parser.write(text)
  }

  /** Entities that stand for plain text, as editors write them for namespaces. */
  #declare(type: string): void {
    for (const [, name, , value] of type.matchAll(/<!ENTITY\s+([^\s%"'<>]+)\s+(["'])([^&<]{0,300}?)\2/g))
      this.#parser.ENTITIES[name!] = value!
  }

  #begin({ name, attributes }: SaxesTagPlain): void {
    if (this.#skipped > 0) {
      this.#skipped++
      return
    }
    this.#scopes.push(this.#scopeOf(attributes))
    const element: XmlElement = { name: this.#resolve(name), attributes: {}, children: [] }
    if (!this.#wanted(element.name, this.#open.length) || this.#open.length > 100) {
      this.#scopes.pop()
      this.#skipped = 1
      return
    }
    for (const [key, value] of Object.entries(attributes))
      element.attributes[key.includes(':') ? this.#resolve(key) : key] = value
    this.#elements++
    this.#open.at(-1)?.children.push(element)
    this.root ??= element
    this.#open.push(element)
  }

  #end(): void {
    if (this.#skipped > 0) this.#skipped--
    else {
      this.#open.pop()
      this.#scopes.pop()
    }
  }

  #scopeOf(attributes: Record<string, string>): Record<string, string> {
    const outer = this.#scopes.at(-1)!
    const declared = Object.entries(attributes).filter(([key]) => /^xmlns(:|$)/.test(key))
    if (declared.length === 0) return outer
    return { ...outer, ...Object.fromEntries(declared.map(([key, uri]) => [key.slice(6), uri.trim()])) }
  }

  /** A prefix that nobody declared means what it usually does. */
  #resolve(name: string): string {
    const colon = name.indexOf(':')
    const uri = this.#scopes.at(-1)![colon < 0 ? '' : name.slice(0, colon)]
    const prefix = uri === undefined ? undefined : prefixes[uri]
    return prefix === undefined ? name : prefix + name.slice(colon + 1)
  }
}

export const elementsOf = ({ children }: XmlElement): XmlElement[] =>
  children.filter((child) => typeof child !== 'string')

/** All text inside, as it is read. */
export const textOf = ({ children }: XmlElement): string =>
  children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('')
