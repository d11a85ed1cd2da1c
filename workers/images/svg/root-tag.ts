/** The tag of an SVG's root element, read and written again; the bytes around it stay as they are. */

export interface RootTag {
  /** All before the tag: XML declaration, document type, comments. */
  before: string
  /** With its prefix. */
  name: string
  /** Values as they stand between their quotes. */
  attributes: ReadonlyMap<string, string>
  /** `<svg/>`. */
  empty: boolean
  after: string
}

const tagName = /<((?:[\w.-]+:)?svg)(?=[\s/>])/y
const attribute = /\s+([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y
const tagEnd = /\s*(\/?)>/y
/** Parts of a document type that may hold a bracket, and the brackets themselves. */
const doctypeParts = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[[\]>]/g

/** Null when the file's first element is no `<svg>`, or its tag is not well-formed. Text in any superset of ASCII. */
export function readRootTag(text: string): RootTag | null {
  const start = rootStart(text)
  const name = start === null ? null : matchAt(tagName, text, start)
  if (start === null || !name) return null
  const attributes = new Map<string, string>()
  let place = start + name[0].length
  for (let found = matchAt(attribute, text, place); found; found = matchAt(attribute, text, place)) {
    attributes.set(found[1]!, found[2] ?? found[3]!)
    place += found[0].length
  }
  const end = matchAt(tagEnd, text, place)
  if (!end) return null
  return {
    before: text.slice(0, start),
    name: name[1]!,
    attributes,
    empty: end[1] === '/',
    after: text.slice(place + end[0].length),
  }
}

/** The file with other attributes at its root, and with `first` as the beginning of its content. */
export function writeRootTag(
  { before, name, empty, after }: RootTag,
  attributes: ReadonlyMap<string, string>,
  first = '',
): string {
  const written = [...attributes].map(([key, value]) => {
    const quote = value.includes('"') ? "'" : '"'
    return ` ${key}=${quote}${value}${quote}`
  })
  const content = empty ? `${first}</${name}>` : first
  return `${before}<${name}${written.join('')}>${content}${after}`
}

/** Where the first element begins, behind comments, processing instructions and the document type. */
function rootStart(text: string): number | null {
  let place = text.indexOf('<')
  while (place >= 0) {
    let end: number
    if (text.startsWith('<!--', place)) end = text.indexOf('-->', place + 4)
    else if (text.startsWith('<?', place)) end = text.indexOf('?>', place)
    else if (text.startsWith('<!', place)) end = doctypeEnd(text, place + 2)
    else return place
    if (end < 0) return null
    place = text.indexOf('<', end)
  }
  return null
}

function doctypeEnd(text: string, from: number): number {
  let inSubset = false
  doctypeParts.lastIndex = from
  for (let part = doctypeParts.exec(text); part; part = doctypeParts.exec(text)) {
    if (part[0] === '[') inSubset = true
    else if (part[0] === ']') inSubset = false
    else if (part[0] === '>' && !inSubset) return part.index
  }
  return -1
}

function matchAt(pattern: RegExp, text: string, place: number): RegExpExecArray | null {
  pattern.lastIndex = place
  return pattern.exec(text)
}
