/** What an English noun's singular and plural share: "horses" is found by "horse". Other endings are left to meaning. */

/** Words in -s that are no plurals, or that have the same form. */
const unchanged = new Set(
  'always canvas chaos christmas gas has lens news series species this was yes'.split(' '),
)
const irregular: Record<string, string> = {
  ...{ children: 'child', feet: 'foot', geese: 'goose', men: 'man', mice: 'mouse', people: 'person' },
  ...{ teeth: 'tooth', women: 'woman', leaves: 'leaf', knives: 'knife', wolves: 'wolf', lives: 'life' },
  ...{ wives: 'wife', halves: 'half', shelves: 'shelf', loaves: 'loaf', thieves: 'thief', elves: 'elf' },
  ...{ gases: 'gas', lenses: 'lens', canvases: 'canvas', indices: 'index', vertices: 'vertex' },
}

/** The word itself where it has no ending. Need not be a word: "cookies" and "cookie" share "cooky". `word` is folded. */
export function stem(word: string): string {
  if (!/^[a-z]{3,}$/.test(word) || unchanged.has(word)) return word
  const known = irregular[word]
  if (known) return known
  const single = /(?:[^s])s$/.test(word) && !/(?:us|is)$/.test(word) ? word.slice(0, -1) : word
  if (single.endsWith('ie') && single.length > 4) return `${single.slice(0, -2)}y`
  // "boxes" and "box", "axes" and "axe".
  return /(?:sh|ch|x|z|ss|o|us)e$/.test(single) ? single.slice(0, -1) : single
}
