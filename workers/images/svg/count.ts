/** What an SVG draws when all that it refers to by `#id` is written out: references nest, and then they multiply. */

interface Part {
  own: number
  parts: Part[]
  references: string[]
}

const part = (own: number): Part => ({ own, parts: [], references: [] })

/** Deepest chain of references that is followed. */
const longest = 2000

/** Paints, not drawings: what refers to them draws nothing more. */
const isPaint = (name: string) => name === 'linearGradient' || name === 'radialGradient' || name === 'stop'

export class ElementCounter {
  /** What has an id: all of them, where several have the same. */
  readonly #byId = new Map<string, Part>()
  readonly #root = part(0)
  readonly #open = [this.#root]
  readonly #sheets: string[] = []
  #elements = 0

  /** An element begins, which may refer to others; says how deep it stands. */
  open(name: string, attributes: Record<string, string>): number {
    const own = isPaint(name) ? 0 : 1
    this.#elements += own
    let inside = this.#open.at(-1)!
    const id = attributes.id ?? attributes['xml:id']
    if (id === undefined) inside.own += own
    else {
      const named = part(own)
      inside.parts.push(named)
      const same = this.#byId.get(id) ?? part(0)
      same.parts.push(named)
      this.#byId.set(id, same)
      inside = named
    }
    for (const [key, value] of Object.entries(attributes)) {
      if (/^(.*:)?href$/.test(key) && value.trim().startsWith('#'))
        inside.references.push(value.trim().slice(1))
      else inside.references.push(...referred(value))
    }
    return this.#open.push(inside) - 1
  }

  close(): void {
    this.#open.pop()
  }

  /** A style sheet, of which each rule may hold for every element. */
  sheet(text: string): void {
    this.#sheets.push(...referred(text))
  }

  /** How many elements are drawn; Infinity when references go on too long to be followed. */
  count(): number {
    const known = new Map<Part, number>()
    const count = (of: Part, depth: number): number => {
      if (depth > longest) return Infinity
      const before = known.get(of)
      if (before !== undefined) return before
      // What uses itself is drawn by nobody.
      known.set(of, 0)
      let sum = of.own
      for (const inner of of.parts) sum += count(inner, depth + 1)
      for (const id of of.references) sum += countId(id, depth + 1)
      known.set(of, sum)
      return sum
    }
    const countId = (id: string, depth: number) => {
      const of = this.#byId.get(id)
      return of ? count(of, depth) : 0
    }
    let sum = count(this.#root, 0)
    for (const id of this.#sheets) sum += this.#elements * countId(id, 0)
    return sum
  }
}

const referred = (text: string): string[] =>
  [...text.matchAll(/url\(\s*['"]?\s*#([^'")\s]*)/gi)].map(([, id]) => id!)
