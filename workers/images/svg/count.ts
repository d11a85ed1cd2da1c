/** Counts the elements of an SVG with every reference by `#id` written out: references nest, and then they multiply. */

/** The whole file, or an element with an id and those inside it that have none. */
interface Part {
  elements: number
  /** The parts inside it. */
  parts: Part[]
  references: string[]
}

const newPart = (elements: number): Part => ({ elements, parts: [], references: [] })

/** The longest chain of references that the count follows. */
const maxChain = 2000

/** A reference to a paint adds no element. */
const isPaint = (name: string) => name === 'linearGradient' || name === 'radialGradient' || name === 'stop'

export class ElementCounter {
  /** Elements that share an id count together. */
  readonly #byId = new Map<string, Part>()
  readonly #root = newPart(0)
  readonly #open = [this.#root]
  readonly #sheets: string[] = []
  #elements = 0

  /** Begins an element, whose attributes may refer to others; returns its depth. */
  open(name: string, attributes: Record<string, string>): number {
    const elements = isPaint(name) ? 0 : 1
    this.#elements += elements
    let inside = this.#open.at(-1)!
    const id = attributes.id ?? attributes['xml:id']
    if (id === undefined) inside.elements += elements
    else {
      const named = newPart(elements)
      inside.parts.push(named)
      const same = this.#byId.get(id) ?? newPart(0)
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

  /** Adds a style sheet; each of its rules may hold for every element. */
  sheet(text: string): void {
    this.#sheets.push(...referred(text))
  }

  /** Infinity when a chain of references is too long to follow. */
  count(): number {
    const known = new Map<Part, number>()
    const count = (part: Part, depth: number): number => {
      if (depth > maxChain) return Infinity
      const before = known.get(part)
      if (before !== undefined) return before
      // Renderers skip an element that refers to itself.
      known.set(part, 0)
      let sum = part.elements
      for (const inner of part.parts) sum += count(inner, depth + 1)
      for (const id of part.references) sum += countId(id, depth + 1)
      known.set(part, sum)
      return sum
    }
    const countId = (id: string, depth: number) => {
      const part = this.#byId.get(id)
      return part ? count(part, depth) : 0
    }
    let sum = count(this.#root, 0)
    for (const id of this.#sheets) sum += this.#elements * countId(id, 0)
    return sum
  }
}

const referred = (text: string): string[] =>
  [...text.matchAll(/url\(\s*['"]?\s*#([^'")\s]*)/gi)].map(([, id]) => id!)
