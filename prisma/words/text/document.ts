/** The words of an asset, as its row keeps them. */
import {
  formsOf,
  gramsOf,
  joined,
  joinMark,
  quoted,
  stemMark,
  wholeMark,
  wholeOf,
  withoutEnding,
} from './lexemes.ts'
import { type Piece, pieces } from './split.ts'

export interface Labels {
  name: string
  title: string | null
  description: string | null
  tags: readonly string[]
  collections: readonly string[]
}

/** PostgreSQL's classes of position: names and titles, tags, collections, descriptions. */
export const fields = ['A', 'B', 'C', 'D'] as const
export type Field = (typeof fields)[number]

/** Pieces of one text, and of all texts of an asset: what lies behind is not found. */
const maxPieces: Record<Field, number> = { A: 250, B: 50, C: 50, D: 1000 }
const maxInAll = 2000
/** Between two texts: a phrase does not go over from one to the next. */
const gap = 8
/** PostgreSQL keeps so many places of a lexeme, none behind the last. */
const maxPlaces = 200
const lastPosition = 16_000

class Document {
  readonly #places = new Map<string, string[]>()
  #position = 1
  #pieces = 0

  add(text: string, field: Field): void {
    const before: Piece[] = []
    let taken = 0
    for (const piece of pieces(text)) {
      if (++taken > maxPieces[field] || ++this.#pieces > maxInAll) break
      if (piece.joint === 'none') before.length = 0
      before.push(piece)
      this.#take(piece, before, field)
    }
    this.#position += gap
  }

  /** A whole name, as one lexeme. */
  addWhole(text: string): void {
    const whole = wholeOf(text)
    if (whole) this.#put(whole, 'A')
  }

  #take(piece: Piece, compound: readonly Piece[], field: Field): void {
    if (piece.kind === 'run') {
      const grams = gramsOf(piece.text).slice(0, maxPieces[field])
      this.#pieces += grams.length
      for (const gram of grams) {
        this.#put(gram, field)
        this.#position++
      }
      return
    }
    this.#put(piece.text, field)
    if (piece.spelling) this.#put(piece.spelling, field)
    for (const form of formsOf(piece)) this.#put(form, field)
    for (const join of joins(compound)) this.#put(joinMark + join, field)
    this.#position++
  }

  #put(lexeme: string, field: Field): void {
    const places = this.#places.get(lexeme) ?? []
    if (places.length === 0) this.#places.set(lexeme, places)
    const place = `${Math.min(this.#position, lastPosition)}${field === 'D' ? '' : field}`
    if (places.length < maxPlaces && places.at(-1) !== place) places.push(place)
  }

  lexemes(): IterableIterator<string> {
    return this.#places.keys()
  }

  toString(): string {
    let text = ''
    for (const [lexeme, places] of this.#places) text += `${quoted(lexeme)}:${places.join(',')} `
    return text
  }
}

/** The last two pieces of a compound as one word, and all of one word in camel case. */
function joins(compound: readonly Piece[]): string[] {
  const found = new Set<string | null>()
  if (compound.length >= 2) found.add(joined(compound.slice(-2)))
  const from = compound.findLastIndex(({ joint }) => joint !== 'word')
  if (compound.length - from > 2) found.add(joined(compound.slice(from)))
  found.delete(null)
  return [...found] as string[]
}

export interface AssetWords {
  /** As text of the type tsvector. */
  words: string
  /** Words, forms and joins: all of its lexemes but whole names. */
  vocabulary: string[]
}

export function wordsOf({ name, title, description, tags, collections }: Labels): AssetWords {
  const document = new Document()
  document.addWhole(name)
  document.addWhole(withoutEnding(name))
  if (title) document.addWhole(title)
  document.add(name, 'A')
  if (title) document.add(title, 'A')
  for (const tag of tags) document.add(tag, 'B')
  for (const collection of collections) document.add(collection, 'C')
  if (description) document.add(description, 'D')
  return {
    words: document.toString(),
    vocabulary: [...document.lexemes()].filter((lexeme) => !lexeme.startsWith(wholeMark)),
  }
}

/** Whether a lexeme is a word as a text has it, not a form, a join or a whole name. */
export const isWord = (lexeme: string): boolean => ![stemMark, joinMark, wholeMark].includes(lexeme[0]!)
