/** Words that differ in one slip of the hand. */

/**
 * Whether one letter more, less or other, or two that changed places, make one word of the other (Damerau 1964, one
 * edit). In code units: a letter beyond them is two.
 */
export function differsByOne(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || a === b) return false
  let from = 0
  while (from < a.length && a[from] === b[from]) from++
  let [endA, endB] = [a.length, b.length]
  while (endA > from && endB > from && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const [restA, restB] = [a.slice(from, endA), b.slice(from, endB)]
  if (restA.length <= 1 && restB.length <= 1) return true
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0]
}

/** The words that one letter less, or two letters changed, make of a word. */
export function slipsOf(word: string): string[] {
  const slips = new Set<string>()
  for (let at = 0; at < word.length; at++) {
    slips.add(word.slice(0, at) + word.slice(at + 1))
    if (at > 0) slips.add(word.slice(0, at - 1) + word[at]! + word[at - 1]! + word.slice(at + 1))
  }
  slips.delete(word)
  return [...slips]
}
