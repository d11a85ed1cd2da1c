/**
 * Measures any model of the registry on the hold-outs: `npx node workers/lab/evaluation/evaluate.ts [MODEL] [--json FILE] [--sheet FILE]
 * [--reserved] [--check]`.
 * --sheet draws the eight best images for forty plain requests; --reserved adds the sets that no choice was made
 * with; --check compares with the vectors that export.py left.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { LocalEncoder } from '../../encode/local-encoder.ts'
import { ItemError } from '../../errors.ts'
import { ModelRegistry } from '../../registry/registry.ts'
import { dot } from '../../similarity/vectors.ts'
import { plain } from '../corpus/names.ts'
import { edge } from '../corpus/render.ts'
import { emojis, lucideTags } from '../corpus/words.ts'
import { type HeldImage, heldNames, heldSet, png, type Rgb } from './holdouts.ts'
import { plainRequests, wordMatch } from './requests.ts'
import { contactSheet } from './sheet.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    sheet: { type: 'string' },
    reserved: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const lab = path.dirname(import.meta.dirname)
const home = process.env.LIMN_HOME ?? path.resolve('.limn')
const cacheFolder = path.join(os.tmpdir(), 'limn-lab')
const registry = new ModelRegistry({
  bundledFolder: path.resolve(lab, '../models'),
  homeFolder: path.join(home, 'models'),
  cacheFolder,
  defaultModel: positionals[0] ?? 'limn-icons',
})
const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu', queueLimit: 4096 })

interface Rank {
  queries: number
  gallery: number
  'R@1': number
  'R@5': number
  'R@10': number
  'median rank': number
  /** R@10 of a gallery in random order. */
  'chance R@10': number
}
const colours: Record<string, Rgb> = {
  ...{
    red: [220, 38, 38],
    green: [34, 160, 70],
    blue: [37, 99, 235],
    yellow: [250, 204, 21],
    orange: [249, 115, 22],
  },
  ...{ purple: [147, 51, 234], pink: [244, 114, 182], black: [10, 10, 10], white: [250, 250, 250] },
  ...{ gray: [128, 128, 128], brown: [121, 72, 42], teal: [20, 170, 170] },
}
const table: Record<string, unknown> = { model: registry.defaultName }
const show = (name: string, value: unknown) => {
  table[name] = value
  console.log(
    name.padEnd(58),
    typeof value === 'object'
      ? Object.entries(value!)
          .map(([k, v]) => `${k} ${v}`)
          .join('  ')
      : value,
  )
}

const lucide = await gallery(await heldSet('lucide'))
const emoji = await gallery(await heldSet('fluent-emoji-flat'))
const held = await gallery(await heldNames())
show('lucide, name to icon', await byName(lucide))
show('fluent-emoji-flat, CLDR name to emoji', await byName(emoji))
show('names held out of every set', await byName(held))
show(
  'lucide, tags that are in no name',
  await byTags(lucide, tagsOf(lucide, lucideTags()), Number.POSITIVE_INFINITY),
)
for (const count of [1, 3])
  show(`plain requests, a fitting picture among the first ${count}`, await requests(count))
const keywords = Object.fromEntries(emojis().map(({ name, keywords }) => [name, keywords]))
show('fluent-emoji-flat, CLDR keywords that are in no name', await byTags(emoji, tagsOf(emoji, keywords), 20))
show('fluent-emoji-flat, zero-shot group of nine, %', await groups(emoji))
show('asked colour first among 12, %', await colourWords(lucide))
show('outlined against filled, %', await styleWords(held))
if (options.reserved)
  for (const set of ['ph', 'openmoji', 'fluent-emoji-high-contrast'])
    show(`${set} (reserved), name to picture`, await byName(await gallery(unique(await heldSet(set)))))
if (options.check) show('cosine to PyTorch', await check())
if (options.sheet) await sheet(options.sheet)
if (options.json) writeFileSync(options.json, `${JSON.stringify(table, null, 1)}\n`)
await encoder.close()

interface Gallery {
  images: HeldImage[]
  vectors: Float32Array[]
}

async function gallery(images: HeldImage[]): Promise<Gallery> {
  return { images, vectors: await encodeImages(await Promise.all(images.map((one) => png(one)))) }
}

/** One drawing of each name. */
function unique(images: HeldImage[]): HeldImage[] {
  return [...new Map(images.map((one) => [one.base, one])).values()]
}

async function encodeImages(files: Buffer[]): Promise<Float32Array[]> {
  return encode(files.map((image) => ({ image })))
}
async function encodeTexts(texts: string[]): Promise<Float32Array[]> {
  return encode(texts.map((text) => ({ text })))
}
async function encode(inputs: ({ image: Buffer } | { text: string })[]): Promise<Float32Array[]> {
  const out: Float32Array[] = []
  for (let at = 0; at < inputs.length; at += 512)
    for (const one of await encoder.encode(inputs.slice(at, at + 512), {
      priority: 'bulk',
      deadlineMs: 600_000,
    })) {
      if (one instanceof ItemError) throw one
      out.push(one.vector)
    }
  return out
}

/** Ranks of the best fitting image: 1 + how many others score higher. */
function ranks(scores: number[][], right: Set<number>[]): Rank {
  const found = scores.map((row, q) => {
    const best = Math.max(...[...right[q]!].map((at) => row[at]!))
    return 1 + row.filter((score, at) => score > best && !right[q]!.has(at)).length
  })
  found.sort((a, b) => a - b)
  const share = (k: number) =>
    Number(((100 * found.filter((rank) => rank <= k).length) / found.length).toFixed(1))
  return {
    queries: found.length,
    gallery: scores[0]?.length ?? 0,
    'R@1': share(1),
    'R@5': share(5),
    'R@10': share(10),
    'median rank': found[Math.floor(found.length / 2)] ?? 0,
    'chance R@10': Number(
      (
        (100 * right.reduce((sum, { size }) => sum + chance(size, scores[0]!.length, 10), 0)) /
        right.length
      ).toFixed(1),
    ),
  }
}

function names({ images }: Gallery): { asked: string[]; right: Set<number>[] } {
  const at = Map.groupBy(images.keys(), (index) => images[index]!.base)
  return { asked: [...at.keys()], right: [...at.values()].map((rows) => new Set(rows)) }
}

async function byName(of: Gallery): Promise<Rank> {
  const { asked, right } = names(of)
  const texts = await encodeTexts(asked)
  return ranks(
    texts.map((text) => of.vectors.map((vector) => dot(text, vector))),
    right,
  )
}

/** How likely one of `right` images of `all` is among the first `count` by chance. */
function chance(right: number, all: number, count: number): number {
  let none = 1
  for (let i = 0; i < count; i++) none *= Math.max(0, all - right - i) / (all - i)
  return 1 - none
}

/** How many of the plain requests have a fitting image of lucide or fluent-emoji-flat among the first, by the model and by words of names. */
async function requests(count: number): Promise<string> {
  const images = [...lucide.images, ...emoji.images]
  const asked = plainRequests()
  const best = await found(
    asked.map(({ text }) => text),
    3,
  )
  const byModel = asked.filter(({ fits }, at) => best[at]!.some((of) => fits(images[of]!.base)))
  const names = images.map(({ base }) => base)
  const byWords = asked.reduce((sum, one) => sum + wordMatch(one, names, count), 0)
  return `${byModel.length} of ${asked.length}, by word match on names ${byWords.toFixed(1)}`
}

/** Places of the best images of both sets for each text. */
async function found(texts: string[], count: number): Promise<number[][]> {
  const vectors = [...lucide.vectors, ...emoji.vectors]
  return (await encodeTexts(texts)).map((text) => {
    const scores = vectors.map((vector) => dot(text, vector))
    return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, count)
  })
}

function tagsOf({ images }: Gallery, tags: Record<string, string[]>): { text: string; right: Set<number> }[] {
  const used = new Set(images.flatMap(({ base }) => base.split(' ')))
  const by = new Map<string, Set<number>>()
  for (const [at, { base }] of images.entries())
    for (const tag of tags[base] ?? []) {
      if (!/[a-z]{3}/.test(tag) || ['brand', 'logo', 'social', 'lucide'].includes(tag)) continue
      by.set(tag, (by.get(tag) ?? new Set()).add(at))
    }
  return [...by]
    .filter(([tag]) => !tag.split(' ').some((word) => used.has(word)))
    .map(([text, right]) => ({ text, right }))
}

async function byTags(
  of: Gallery,
  tags: { text: string; right: Set<number> }[],
  most: number,
): Promise<Rank> {
  const some = tags.filter(({ right }) => right.size <= most)
  const texts = await encodeTexts(some.map(({ text }) => text))
  return ranks(
    texts.map((text) => of.vectors.map((vector) => dot(text, vector))),
    some.map(({ right }) => right),
  )
}

/** Emojibase's nine groups by one prompt each. */
async function groups(of: Gallery): Promise<string> {
  const titles = [
    'smileys and emotion face',
    'people and body',
    'animals and nature',
    'food and drink',
    'travel and places',
    'activities sport',
    'objects',
    'symbols',
    'flag',
  ]
  const numbers = [0, 1, 3, 4, 5, 6, 7, 8, 9]
  const group = new Map(emojis().map(({ name, group }) => [name, numbers.indexOf(group)]))
  const texts = await encodeTexts(titles)
  let right = 0
  let asked = 0
  for (const [at, { base }] of of.images.entries()) {
    const own = group.get(plain(base)) ?? -1
    if (own < 0) continue
    const scores = texts.map((text) => dot(text, of.vectors[at]!))
    asked++
    if (scores.indexOf(Math.max(...scores)) === own) right++
  }
  return `${((100 * right) / asked).toFixed(1)} of ${asked}`
}

/** 150 icons in twelve colours each, white on black, the rest on white: "red heart" must put the red one first. */
async function colourWords({ images }: Gallery): Promise<string> {
  const some = images.filter((_, at) => at % Math.ceil(images.length / 150) === 0)
  let right = 0
  for (const one of some) {
    const drawn = await Promise.all(
      Object.entries(colours).map(([name, ink]) =>
        png(one, ink, name === 'white' ? [0, 0, 0] : [255, 255, 255]),
      ),
    )
    const vectors = await encodeImages(drawn)
    const texts = await encodeTexts(Object.keys(colours).map((colour) => `${colour} ${one.base}`))
    for (const [asked, text] of texts.entries()) {
      const scores = vectors.map((vector) => dot(text, vector))
      if (scores.indexOf(Math.max(...scores)) === asked) right++
    }
  }
  return `${((100 * right) / (some.length * 12)).toFixed(1)} of ${some.length * 12}`
}

/** Pairs of one set and one name, outlined and filled: each word must prefer its own. */
async function styleWords({ images, vectors }: Gallery): Promise<string> {
  const filled = (one: HeldImage) => one.styles.some((style) => /^(fill|filled|solid)$/.test(style))
  const outlined = (one: HeldImage) =>
    one.styles.every((style) => /^(outline|outlined|line|linear|light)$/.test(style))
  let right = 0
  let asked = 0
  for (const rows of Map.groupBy(images.keys(), (at) => `${images[at]!.set} ${images[at]!.base}`).values()) {
    const solid = rows.find((at) => filled(images[at]!))
    const line = rows.find((at) => outlined(images[at]!))
    if (solid === undefined || line === undefined) continue
    const [says, other] = await encodeTexts([
      `outlined ${images[line]!.base}`,
      `filled ${images[line]!.base}`,
    ])
    asked += 2
    if (dot(says!, vectors[line]!) > dot(says!, vectors[solid]!)) right++
    if (dot(other!, vectors[solid]!) > dot(other!, vectors[line]!)) right++
  }
  return `${((100 * right) / asked).toFixed(1)} of ${asked}`
}

/** The least cosine, through this product's preprocessing and tokenizer, to what PyTorch gave. */
async function check(): Promise<string> {
  const folder = path.join(process.env.LIMN_LAB_DATA ?? path.join(lab, 'data'), 'export')
  const floats = (file: string) => new Float32Array(readFileSync(path.join(folder, file)).buffer.slice(0))
  const texts: string[] = JSON.parse(readFileSync(path.join(folder, 'texts.json'), 'utf8'))
  const pixels = readFileSync(path.join(folder, 'pixels.u8'))
  const sharp = (await import('sharp')).default
  const each = edge * edge * 3
  const files = await Promise.all(
    texts.map((_, at) =>
      sharp(pixels.subarray(at * each, (at + 1) * each), { raw: { width: edge, height: edge, channels: 3 } })
        .png()
        .toBuffer(),
    ),
  )
  const least = (got: Float32Array[], file: string) => {
    const want = floats(file)
    const size = want.length / texts.length
    return Math.min(...got.map((vector, at) => dot(vector, want.subarray(at * size, (at + 1) * size))))
  }
  return `text ${least(await encodeTexts(texts), 'text.f32').toFixed(5)}, picture ${least(await encodeImages(files), 'image.f32').toFixed(5)} (least of ${texts.length})`
}

async function sheet(file: string): Promise<void> {
  const images = [...lucide.images, ...emoji.images]
  const texts = plainRequests().map(({ text }) => text)
  const best = await found(texts, 8)
  await contactSheet(
    texts.map((request, at) => ({ request, images: best[at]!.map((of) => images[of]!) })),
    file,
  )
}
