import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Name, nameOf, plain } from './names.ts'
import { defaultVariants, excluded, holdOuts, openLicences, reserved, variantsPerName } from './sets.ts'

/** One image still to be rendered. */
export interface Drawing extends Name {
  set: string
  icon: string
  svg: string
  /** Has colours of its own; else it is a shape in one colour, which training chooses. */
  coloured: boolean
  categories: string[]
  /** Words that came with this image alone. */
  keywords: string[]
}

/** A set's row in the table of licences. */
export interface SetInfo {
  prefix: string
  name: string
  author: string
  url: string
  licence: string
}

interface Icon {
  body: string
  width?: number
  height?: number
  left?: number
  top?: number
  hidden?: boolean
}
interface IconSet {
  icons: Record<string, Icon>
  aliases?: Record<string, { parent: string; hFlip?: boolean; vFlip?: boolean; rotate?: number }>
  prefixes?: Record<string, string>
  suffixes?: Record<string, string>
  categories?: Record<string, string[]>
  width?: number
  height?: number
}
interface Collection {
  name: string
  author: { name: string; url?: string }
  license: { spdx?: string }
  palette?: boolean
  category?: string
}

const require = createRequire(import.meta.url)
const collections = (): Record<string, Collection> => require('@iconify/json/collections.json')
const clipArt = process.env.OPENCLIPART ?? '/usr/share/openclipart/svg'

/** The sets to draw: all under an open licence, but for the excluded; `which` picks the reserved ones instead. */
export function sets(which: 'training' | 'reserved' = 'training'): SetInfo[] {
  const list = Object.entries(collections())
    .filter(([prefix, { license }]) =>
      which === 'reserved'
        ? reserved.has(prefix)
        : openLicences.has(license.spdx ?? '') && !excluded.has(prefix),
    )
    .map(([prefix, { name, author, license }]) => ({
      prefix,
      name,
      author: author.name,
      url: author.url ?? '',
      licence: license.spdx ?? '',
    }))
  if (which === 'training')
    list.push({
      prefix: 'openclipart',
      name: 'Open Clip Art Library 0.18',
      author: 'its contributors',
      url: '',
      licence: 'Public domain',
    })
  return list
}

export function drawings(prefix: string): Drawing[] {
  return prefix === 'openclipart' ? clipArtDrawings() : iconDrawings(prefix)
}

/** Other names that a set gives its icons, as [name, other name]. */
export function aliases(prefix: string): [string, string][] {
  if (prefix === 'openclipart' || holdOuts.has(prefix)) return []
  const set = iconSet(prefix)
  const pairs: [string, string][] = []
  for (const [alias, { parent, hFlip, vFlip, rotate }] of Object.entries(set.aliases ?? {})) {
    if (hFlip || vFlip || rotate || !set.icons[parent] || /skin-tone/.test(alias)) continue
    const other = name(prefix, alias, set)?.base
    const base = name(prefix, parent, set)?.base
    if (base && other && base !== other) pairs.push([base, other])
  }
  return pairs
}

function iconSet(prefix: string): IconSet {
  return JSON.parse(readFileSync(require.resolve(`@iconify/json/json/${prefix}.json`), 'utf8'))
}

function name(prefix: string, icon: string, set: IconSet): Name | null {
  return nameOf(prefix, icon, Object.keys(set.prefixes ?? {}), Object.keys(set.suffixes ?? {}))
}

function iconDrawings(prefix: string): Drawing[] {
  const set = iconSet(prefix)
  const collection = collections()[prefix]!
  const categories = new Map<string, string[]>()
  for (const [category, icons] of Object.entries(set.categories ?? {}))
    for (const icon of icons) categories.set(icon, [...(categories.get(icon) ?? []), plain(category)])

  const byName = new Map<string, Drawing[]>()
  for (const [icon, drawing] of Object.entries(set.icons)) {
    if (drawing.hidden) continue
    if (
      collection.category === 'Emoji' &&
      /skin-tone|-(light|medium-light|medium|medium-dark|dark)$/.test(icon)
    )
      continue
    const named = name(prefix, icon, set)
    if (!named) continue
    const { left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16 } = drawing
    const body = drawing.body.replaceAll('currentColor', '#000')
    const coloured =
      collection.palette ||
      (/(fill|stroke|stop-color)="(?!none|#000"|#000000"|black"|url|inherit)[^"]+"/.test(body) &&
        !body.includes('mask'))
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${left} ${top} ${width} ${height}" width="64" height="64">${body}</svg>`
    const one = {
      ...named,
      set: prefix,
      icon,
      svg,
      coloured: !!coloured,
      categories: categories.get(icon) ?? [],
      keywords: [],
    }
    byName.set(named.base, [...(byName.get(named.base) ?? []), one])
  }
  const most = holdOuts.has(prefix) ? 1 : (variantsPerName[prefix] ?? defaultVariants)
  return [...byName.values()].flatMap((variants) => choose(variants, most))
}

/** At most `most` variants of one name: one of each style (sizes count as one), chosen by a hash, not by order. */
function choose(variants: Drawing[], most: number): Drawing[] {
  const byStyle = new Map<string, Drawing[]>()
  for (const one of variants) {
    const style = one.styles.join(' ')
    byStyle.set(style, [...(byStyle.get(style) ?? []), one])
  }
  return [...byStyle.values()]
    .map((same) => same[hash(same[0]!.set + same[0]!.base) % same.length]!)
    .sort((a, b) => hash(a.set + a.icon) - hash(b.set + b.icon))
    .slice(0, most)
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 2166136261
  for (const c of text) h = Math.imul(h ^ c.charCodeAt(0), 16777619)
  return h >>> 0
}

/** Folders of clip art that show no thing: gradients, patterns, the same star 1,378 times. */
const notThings = /\/(special|shapes\/stars|unsorted|sodipodi|inkscape)\//

function clipArtDrawings(): Drawing[] {
  const files = readdirSync(clipArt, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.svg'))
    .sort()
  return files.flatMap((file) => {
    const full = path.join(clipArt, file)
    if (notThings.test(full)) return []
    const svg = readFileSync(full, 'utf8')
    if (svg.length > 400_000) return []
    const title = plain(/<dc:title>([^<]*)<\/dc:title>/.exec(svg)?.[1] ?? '').replace(/^clipart by .*/, '')
    const fromFile = plain(path.basename(file, '.svg').replace(/_(\w+_)*\d*$/, ''))
    const folders = path.dirname(file).split(path.sep).map(plain)
    const keywords = [...svg.matchAll(/<rdf:li>([^<]{2,40})<\/rdf:li>/g)].map(([, word]) => plain(word!))
    const base = [title, fromFile]
      .map((text) => text.replace(/ ?\b\d+\b/g, '').trim())
      .find((text) => /[a-z]{3}/.test(text) && text.length <= 40)
    if (!base) return []
    return [
      {
        base,
        styles: [],
        set: 'openclipart',
        icon: file,
        svg,
        coloured: true,
        categories: folders.slice(-1),
        keywords: [...new Set(keywords)].filter((w) => w && w !== base).slice(0, 12),
      },
    ]
  })
}
