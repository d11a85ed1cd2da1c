import { flagSets } from './sets.ts'

/** What an icon's own name says: the thing, and the style it is drawn in. */
export interface Name {
  /** The thing in plain words, "arrow left". */
  base: string
  /** Style words of the name, "outline", "duotone". */
  styles: string[]
}

const styleWords = new Set(
  'outline outlined fill filled line linear bold broken duotone twotone sharp rounded round solid regular light thin baseline remix sharp-fill negative stroke two tone glyph basic pop'.split(
    ' ',
  ),
)
/** Names in which a number at the end belongs to the thing. */
const numbered =
  /^(keycap|number|looks|filter|replay|forward|rewind|timer|digit|counter|numeric|dice|die|battery|clock|signal|wifi|network|hour|hours|time|h|page|beaufort|percent|plus|age|user|step|one|channel)$/
const regions = new Intl.DisplayNames(['en'], { type: 'region' })

/** Lower-case words of letters and digits, nothing else. */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f\u2018\u2019']/g, '')
    .replace(/([a-z])(\d)/g, '$1 $2')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

function words(name: string): string[] {
  return name
    .replace(/([a-z])(\d)/g, '$1-$2')
    .replace(/(\d)([a-z]{3,})/g, '$1-$2')
    .split(/[-_\s]+/)
    .filter(Boolean)
}

/** Splits an icon's name in its set, whose `prefixes` and `suffixes` are style markers. Null: no name in words. */
export function nameOf(set: string, icon: string, prefixes: string[], suffixes: string[]): Name | null {
  if (flagSets.has(set)) return flag(icon)
  const marks: string[] = []
  let rest = icon
  const suffix = longest(suffixes).find((mark) => rest.endsWith(`-${mark}`))
  if (suffix) {
    marks.push(suffix)
    rest = rest.slice(0, -suffix.length - 1)
  }
  const prefix = longest(prefixes).find((mark) => rest.startsWith(`${mark}-`))
  if (prefix) {
    marks.push(prefix)
    rest = rest.slice(prefix.length + 1)
  }
  const parts = words(rest)
  if (!/emoji|noto/.test(set)) {
    while (parts.length > 1 && trailing(set, parts)) {
      const last = parts.pop()!
      if (styleWords.has(last)) marks.push(last)
    }
    while (parts.length > 1 && /^(outline|baseline|twotone|solid|filled)$/.test(parts[0]!))
      marks.push(parts.shift()!)
  } else if (set === 'streamline-emojis' && parts.length > 1 && /^\d+$/.test(parts.at(-1)!)) parts.pop()
  const base = parts.filter((word, at) => at === 0 || word !== parts[at - 1]).join(' ')
  const styles = [...new Set(marks.join('-').split('-'))].filter(
    (s) => s && !/^\d/.test(s) && s !== 'regular',
  )
  return base ? { base, styles } : null
}

function trailing(set: string, parts: string[]): boolean {
  const last = parts.at(-1)!
  if (styleWords.has(last) || /^(16|20|24|28|32|48|24px|16px|rtl|ltr|alt|v)$/.test(last)) return true
  if (/^\d+$/.test(last) && !parts.slice(0, -1).some((word) => numbered.test(word))) return true
  return set === 'ri' && last === 'r'
}

function longest(marks: string[]): string[] {
  return marks.filter(Boolean).sort((a, b) => b.length - a.length)
}

function flag(code: string): Name | null {
  if (!/^[a-z]{2}$/.test(code)) return null
  const region = regions.of(code.toUpperCase())
  return region && region.toLowerCase() !== code ? { base: `flag ${plain(region)}`, styles: [] } : null
}
