/** Names of collections: paths whose steps lie inside one another, as in "Brand/2025/Logos". */
import { characters, cleanLine, firstCharacters, labelLimits } from './texts.ts'

/** The steps of a path, each cleaned as a line; empty ones are left out. */
export const stepsOf = (path: string): string[] =>
  path
    .split('/')
    .map(cleanLine)
    .filter((step) => step !== '')

/** A path as it is stored: "/ Brand //Logos/" is "Brand/Logos". Nothing is cut; one without steps is empty. */
export const cleanCollection = (path: string): string => stepsOf(path).join('/')

/** What tells collections apart: not their case. */
export const collectionKey = (path: string): string => path.toLowerCase()

/** Whether `path` is `other`, or lies below it; both cleaned. */
export const liesIn = (path: string, other: string): boolean =>
  `${collectionKey(path)}/`.startsWith(`${collectionKey(other)}/`)

/** Cleaned, without empty ones and without repeats (case aside: the first spelling stays), within the limits. */
export function joinCollections(...lists: (readonly string[] | null | undefined)[]): string[] {
  const seen = new Map<string, string>()
  for (const path of lists.flatMap((list) => list ?? [])) {
    const clean = fitting(stepsOf(path))
    const key = collectionKey(clean)
    if (clean && !seen.has(key)) seen.set(key, clean)
  }
  return [...seen.values()].slice(0, labelLimits.collections)
}

/** As many steps as the limits let in. */
function fitting(steps: readonly string[]): string {
  let path = ''
  for (const step of steps.slice(0, labelLimits.collectionDepth)) {
    const longer = path === '' ? step : `${path}/${step}`
    if (characters(longer) > labelLimits.collection) break
    path = longer
  }
  return path === '' ? firstCharacters(steps[0] ?? '', labelLimits.collection) : path
}
