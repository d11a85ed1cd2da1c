/**
 * Image sets with names and tags that the bundled model was not trained on. Their packages are installed at the first
 * call, into the folder `sets`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Encode } from '../../encode/verification/references.ts'
import { ItemError } from '../../errors.ts'
import { plainWords } from '../../relevance/sample-library.ts'
import type { Gallery } from '../../relevance/trials.ts'
import { nameOf } from '../corpus/names.ts'

export interface NamedFile {
  /** In small letters, words apart by one space; no two of a set have the same. */
  name: string
  tags: string[]
  /** SVG. */
  image: Buffer
}

const folder = path.join(import.meta.dirname, 'sets')
const require = createRequire(path.join(folder, 'package.json'))
const file = (name: string) => path.join(folder, 'node_modules', name)

function install(): void {
  if (existsSync(file('lucide-static/tags.json'))) return
  console.log('installing the packages of workers/lab/evaluation/sets ...')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Lucide's icons with their own tags. */
export function lucide(): NamedFile[] {
  install()
  const tags: Record<string, string[]> = require('lucide-static/tags.json')
  return unique(
    Object.entries(tags)
      .map(([name, words]) => ({ name, words, svg: file(`lucide-static/icons/${name}.svg`) }))
      .filter(({ svg }) => existsSync(svg))
      .map(({ name, words, svg }) => named(name, words, readFileSync(svg, 'utf8'))),
  )
}

/** Phosphor's icons of the regular weight with their own tags. */
export async function phosphor(): Promise<NamedFile[]> {
  install()
  const { icons } = (await import(file('@phosphor-icons/core/dist/index.mjs'))) as {
    icons: { name: string; tags: string[] }[]
  }
  // A tag with an asterisk says when an icon was new.
  const tags = new Map(
    icons.map((icon) => [plainWords(icon.name), icon.tags.filter((tag) => !tag.startsWith('*'))]),
  )
  return iconify('ph', (name) => tags.get(name) ?? []).filter(
    ({ name }) => !/ (bold|thin|light|fill|duotone)$/.test(name),
  )
}

/** Emoji of a set with the keywords of Unicode's CLDR, as emojibase has them. */
export function emoji(set: 'fluent-emoji-flat' | 'openmoji'): NamedFile[] {
  install()
  const data: { label: string; tags?: string[] }[] = require('emojibase-data/en/data.json')
  const tags = new Map(data.map(({ label, tags = [] }) => [plainWords(label), tags]))
  return iconify(set, (name) => tags.get(name) ?? [])
}

interface IconSet {
  icons: Record<
    string,
    { body: string; width?: number; height?: number; left?: number; top?: number; hidden?: boolean }
  >
  prefixes?: Record<string, string>
  suffixes?: Record<string, string>
  width?: number
  height?: number
}

function iconify(prefix: string, tagsOf: (name: string) => string[]): NamedFile[] {
  const set: IconSet = require(`@iconify-json/${prefix}/icons.json`)
  const marks = [set.prefixes, set.suffixes].map((some) => Object.keys(some ?? {})) as [string[], string[]]
  return unique(
    Object.entries(set.icons).flatMap(([icon, { body, hidden, left = 0, top = 0, width, height }]) => {
      if (hidden || /skin-tone|-(light|medium-light|medium|medium-dark|dark)$/.test(icon)) return []
      const base = nameOf(prefix, icon, ...marks)?.base
      if (!base) return []
      const box = [left, top, width ?? set.width ?? 16, height ?? set.height ?? 16].join(' ')
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box}" width="256" height="256">${body}</svg>`
      return [named(base, tagsOf(plainWords(base)), svg)]
    }),
  )
}

const named = (name: string, tags: readonly string[], svg: string): NamedFile => ({
  name: plainWords(name),
  tags: tags.map(plainWords).filter((tag) => tag !== ''),
  image: Buffer.from(svg.replaceAll('currentColor', '#000')),
})

/** The first of each name. */
const unique = (files: readonly NamedFile[]): NamedFile[] => [
  ...new Map(files.toReversed().map((one) => [one.name, one])).values(),
]

/** Encodes a set and its names. */
export async function galleryOf(files: readonly NamedFile[], encode: Encode): Promise<Gallery> {
  const vectorsOf = async (inputs: Parameters<Encode>[0]) => {
    const vectors: Float32Array[] = []
    for (let from = 0; from < inputs.length; from += 128)
      for (const one of await encode(inputs.slice(from, from + 128))) {
        if (one instanceof ItemError) throw one
        vectors.push(one.vector)
      }
    return vectors
  }
  const images = await vectorsOf(files.map(({ image }) => ({ image })))
  const texts = await vectorsOf(files.map(({ name }) => ({ text: name })))
  return {
    images: files.map(({ name, tags }, n) => ({ name, tags, vector: images[n]! })),
    prompts: files.map(({ name }, n) => ({ text: name, vector: texts[n]! })),
  }
}
