/** What an SVG draws when all that it refers to by `#id` is written out: references nest, and then they multiply. */

interface Part {
  own: number
  parts: Part[]
  references: Reference[]
}

/** To elements by id, or by `.class` to what the style sheets say of it. */
interface Reference {
  to: string
  times: number
}

const part = (own: number): Part => ({ own, parts: [], references: [] })

/** Deepest chain of references that is followed. */
const longest = 2000

/** Paints, not drawings: what refers to them draws nothing more. */
const isPaint = (name: string) => name === 'linearGradient' || name === 'radialGradient' || name === 'stop'

export class DrawnElements {
  readonly #effect: number
  readonly #byId = new Map<string, Part[]>()
  readonly #byClass = new Map<string, Part>()
  readonly #root = part(0)
  readonly #open = [this.#root]
  /** What the style sheets say of more than a class, which may hold for every element. */
  readonly #every = part(0)
  #elements = 0
  #vertices = 0

  /** `effect`: elements that a step of a filter counts for. */
  constructor({ effect = 1 } = {}) {
    this.#effect = effect
  }

  /** An element begins, which may refer to others; says how deep it stands. */
  open(name: string, attributes: Record<string, string>): number {
    const own = isPaint(name) ? 0 : /^fe[A-Z]/.test(name) ? this.#effect : 1
    this.#elements += isPaint(name) ? 0 : 1
    let inside = this.#open.at(-1)!
    const id = attributes.id ?? attributes['xml:id']
    if (id === undefined) inside.own += own
    else {
      const named = part(own)
      inside.parts.push(named)
      const same = this.#byId.get(id)
      if (same) same.push(named)
      else this.#byId.set(id, [named])
      inside = named
    }
    const vertices = numbersIn(attributes.d ?? attributes.points ?? '') / 2
    this.#vertices += vertices
    for (const [key, value] of Object.entries(attributes)) {
      if (/^(.*:)?href$/.test(key)) {
        if (value.trim().startsWith('#')) inside.references.push({ to: value.trim().slice(1), times: 1 })
      } else if (key === 'class') {
        for (const name of value.split(/\s+/)) inside.references.push({ to: `.${name}`, times: 1 })
      } else this.#say(inside, key === 'style' ? value : `${key}:${value}`, vertices || Infinity)
    }
    return this.#open.push(inside) - 1
  }

  close(): void {
    this.#open.pop()
  }

  /** Something that the present element draws besides its children, such as a drawing of its own. */
  add(elements: number): void {
    this.#open.at(-1)!.own += elements
  }

  /** The text of a style sheet. */
  sheet(text: string): void {
    for (const rule of withoutComments(text).split('}')) {
      const begin = rule.lastIndexOf('{')
      // Of a rule in a rule, such as @media, the inner one.
      const selectors = rule.slice(rule.lastIndexOf('{', begin - 1) + 1, begin)
      const classes = selectors.includes('\\') ? [null] : new Set(selectors.split(',').map(lastClass))
      for (const name of classes) this.#say(this.#matched(name), rule.slice(begin + 1), Infinity)
    }
  }

  /** What a rule says is said of a class, or of every element where it may hold for any. */
  #matched(name: string | null): Part {
    if (name === null) return this.#every
    const known = this.#byClass.get(name) ?? part(0)
    this.#byClass.set(name, known)
    return known
  }

  /** What declarations make an element draw. A marker stands at each vertex: of the element, or else of all there are. */
  #say(of: Part, declarations: string, vertices: number): void {
    if (!/[(\\]/.test(declarations)) return
    for (const declaration of withoutEscapes(declarations).split(';')) {
      of.own += (declaration.match(effects)?.length ?? 0) * this.#effect
      const times = /^\s*marker(-mid)?\s*:/i.test(declaration) ? vertices : 1
      for (const [, to] of declaration.replace(/\s+/g, ' ').matchAll(references))
        of.references.push({ to: to!, times })
    }
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
      for (const { to, times } of of.references)
        for (const target of this.#targets(to))
          sum += Math.min(times, this.#vertices || 1) * count(target, depth + 1)
      known.set(of, sum)
      return sum
    }
    return count(this.#root, 0) + this.#elements * count(this.#every, 0)
  }

  #targets(to: string): readonly Part[] {
    const ofClass = to.startsWith('.') && this.#byClass.get(to.slice(1))
    return ofClass ? [ofClass] : (this.#byId.get(to) ?? [])
  }
}

// Linear in what they read, whatever it is.
const references = /url\([ '"]{0,3}#([^'") ]*)/gi
const effects =
  /\b(?:blur|drop-shadow|brightness|contrast|grayscale|hue-rotate|invert|opacity|saturate|sepia)\(/gi
const numbersIn = (text: string) => text.match(/\d*\.?\d+/g)?.length ?? 0

/** The last class of a selector: what it selects has it, unless something stands behind it. */
function lastClass(selector: string): string | null {
  return /^\.([\w-]+)\s*$/.exec(selector.slice(selector.lastIndexOf('.')))?.[1] ?? null
}

/** CSS without its comments; one that does not end goes on to the end. */
function withoutComments(css: string): string {
  let out = ''
  for (let at = 0; ; ) {
    const begin = css.indexOf('/*', at)
    if (begin < 0) return out + css.slice(at)
    out += css.slice(at, begin)
    const end = css.indexOf('*/', begin + 2)
    if (end < 0) return out
    at = end + 2
  }
}

/** CSS as its escapes mean it. */
const withoutEscapes = (css: string) =>
  css.includes('\\')
    ? css.replace(/\\(?:([\da-f]{1,6})\s?|(.))/gis, (_, code, plain) =>
        code ? String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff)) : plain,
      )
    : css
