/** Plain requests of designers, and which names of images fit them: requests.json. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export interface PlainRequest {
  text: string
  /** Whether an image of this name fits: the name holds one of the words or phrases that are listed. */
  fits(name: string): boolean
}

export function plainRequests(): PlainRequest[] {
  const listed: Record<string, string> = JSON.parse(
    readFileSync(path.join(import.meta.dirname, 'requests.json'), 'utf8'),
  )
  return Object.entries(listed).map(([text, fitting]) => {
    const phrases = fitting.split(', ').map((phrase) => ` ${phrase} `)
    return { text, fits: (name) => phrases.some((phrase) => ` ${name} `.includes(phrase)) }
  })
}

const emptyWords = new Set('a an the of to and on in for from my'.split(' '))

/**
 * The baseline, a word search over names: how likely a fitting name is among the first `count` when names are ordered by
 * how many words of the request they hold, in any order where they hold the same number; what holds none is not found.
 */
export function wordMatch({ text, fits }: PlainRequest, names: readonly string[], count: number): number {
  const wanted = text.split(' ').filter((word) => !emptyWords.has(word))
  const held = (name: string) => wanted.filter((word) => name.split(' ').includes(word)).length
  const byHeld = Map.groupBy(names, held)
  let none = 1
  let left = count
  for (let words = wanted.length; words > 0 && left > 0; words--) {
    const group = byHeld.get(words) ?? []
    const fitting = group.filter(fits).length
    const taken = Math.min(left, group.length)
    // None of `taken` drawn from the group fits.
    for (let i = 0; i < taken; i++) none *= Math.max(0, group.length - fitting - i) / (group.length - i)
    left -= taken
  }
  return 1 - none
}
