/**
 * Texts and file names taken apart: "HTMLParser_v2.1" is html, parser, v, 2 and 1. Scripts without blanks between words
 * (Chinese, Japanese, Thai, ...) come as runs, which are looked for by pairs of letters; so does Korean, whose words take
 * endings.
 */
import { fold, foldTranscribed } from './fold.ts'

/** How a piece hangs on the one before it: not, by a dash or the like, or within one word. */
export type Joint = 'none' | 'dash' | 'word'

export interface Piece {
  kind: 'word' | 'number' | 'emoji' | 'run'
  /** Folded; of a run, all of its letters. */
  text: string
  /** Another way to write it. */
  spelling: string | null
  joint: Joint
  /** Where it begins and ends in the text in NFKC. */
  start: number
  end: number
}

const unspaced =
  '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]'
const run = `[${unspaced}&&\\p{L}][${unspaced}&&[\\p{L}\\p{M}]]*`
const word = `[\\p{L}--${unspaced}][[\\p{L}\\p{M}]--${unspaced}]*`
const apostrophe = "['\u2019\u02bc]"
const emoji = '\\p{RGI_Emoji}|\\p{Emoji_Presentation}|[\\p{Extended_Pictographic}--[©®™]]'
const scanner = new RegExp(`(?<emoji>${emoji})|(?<run>${run})|(?<number>\\p{Nd}+)|(?<word>${word})`, 'gv')
/** Between the words of a name in camel case: "camel|Case", "HTML|Parser"; "URLs" is one word. */
const humps = /(?<=\p{Ll}\p{M}*)(?=\p{Lu})|(?<=\p{Lu}\p{M}*)(?=\p{Lu}\p{M}*\p{Ll})(?!\p{Lu}s(?!\p{L}))/u
/** Of an emoji: how it is drawn, and the colour of its skin. */
const emojiStyle = /[\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}]/gu
const signs = /[©®™℠]/g

/** Never longer than a lexeme may be: a longer word is cut. */
export const maxLength = 64

/** Lazily: whoever needs the first pieces only stops there. */
export function* pieces(text: string): Generator<Piece> {
  const source = text.replace(signs, ' ').normalize('NFKC')
  let end = 0
  let first = true
  for (const match of source.matchAll(scanner)) {
    const joint = first ? 'none' : jointOf(source.slice(end, match.index))
    first = false
    const { word, number, run } = match.groups!
    end = match.index + match[0].length
    const kind = word ? 'word' : number ? 'number' : run ? 'run' : 'emoji'
    if (kind !== 'word') {
      const folded = kind === 'emoji' ? match[0].replace(emojiStyle, '') : fold(match[0])
      if (folded) yield { kind, text: cut(folded, kind), spelling: null, joint, start: match.index, end }
      continue
    }
    let start = match.index
    for (const [n, part] of match[0].split(humps).entries()) {
      const folded = fold(part)
      const spelling = foldTranscribed(part)
      if (folded)
        yield {
          ...{ kind, text: cut(folded), spelling: spelling && cut(spelling) },
          ...{ joint: n === 0 ? joint : ('word' as const), start, end: start + part.length },
        }
      start += part.length
    }
  }
}

/** A run may be a whole text: it is cut where its pairs are made. */
const cut = (text: string, kind?: Piece['kind']) => (kind === 'run' ? text : text.slice(0, maxLength))

function jointOf(between: string): Joint {
  if (between === '' || new RegExp(`^${apostrophe}$`).test(between)) return 'word'
  if (/^[.,]$/.test(between)) return 'dash'
  return /^[-_‐‑–./+&·:~]$/.test(between) ? 'dash' : 'none'
}
