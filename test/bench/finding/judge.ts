/** How well a list of results answers a request. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { stem } from '../../../prisma/words/text/stem.ts'
import type { TeamFile } from './files.ts'

export interface Request {
  text: string
  half: 'lexical' | 'meaning'
  fits(file: TeamFile): boolean
}

type Listed = Record<Request['half'], Record<string, string>>

/** Requests of one set: `team` is what the weights were chosen by, `check` what they were checked by. */
export function requestsOf(set: string): Request[] {
  const sets: Record<string, Listed> = JSON.parse(
    readFileSync(path.join(import.meta.dirname, 'requests.json'), 'utf8'),
  )
  return Object.entries(sets[set]!).flatMap(([half, listed]) =>
    Object.entries(listed).map(([text, fitting]) => ({
      ...{ text, half: half as Request['half'] },
      fits: rule(fitting, half === 'lexical'),
    })),
  )
}

const wordsOf = (text: string) =>
  text
    .replace(/(\p{Ll})(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .map(stem)

/** All words that are said of a file, by its package or by the team. */
export const saidOf = ({ shows, name, folder, tags }: TeamFile): Set<string> =>
  new Set(wordsOf([shows, name, folder, ...tags].join(' ')))

/**
 * Alternatives of words that must all be said of a file: of what it shows, and for a lexical request of its name, folder
 * and tags as well.
 */
function rule(fitting: string, byLabels: boolean): (file: TeamFile) => boolean {
  const alternatives = fitting.split(', ').map((words) => words.split('+').flatMap(wordsOf))
  return (file) => {
    const said = byLabels ? saidOf(file) : new Set(wordsOf(file.shows))
    return alternatives.some((words) => words.every((word) => said.has(word)))
  }
}

/** Normalised discounted cumulative gain of the first ten, each right or wrong (Järvelin & Kekäläinen 2002). */
export function ndcg(right: readonly boolean[], possible: number): number {
  const gain = (n: number) => 1 / Math.log2(n + 2)
  const best = Array.from({ length: Math.min(10, possible) }, (_, n) => gain(n)).reduce((a, b) => a + b, 0)
  return right.slice(0, 10).reduce((sum, is, n) => sum + (is ? gain(n) : 0), 0) / best
}
