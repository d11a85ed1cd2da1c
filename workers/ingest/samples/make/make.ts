/** Draws the sample images and writes manifest.json and LICENSES.md. Run from here: see package.json. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import sharp from 'sharp'
import { choice } from './choice.ts'

const edge = 256
const require = createRequire(import.meta.url)
const samples = path.resolve(import.meta.dirname, '..')

interface IconSet {
  prefix: string
  icons: Record<string, { body: string; width?: number; height?: number; left?: number; top?: number }>
  aliases?: Record<string, { parent: string }>
  width?: number
  height?: number
  info: { name: string; author: { name: string; url: string }; license: { title: string; spdx: string; url?: string } }
}

function iconSet(prefix: string): IconSet {
  const set = require(`@iconify-json/${prefix}/icons.json`) as IconSet
  return { ...set, info: require(`@iconify-json/${prefix}/info.json`) }
}

const emojiSets = ['fluent-emoji-flat', 'noto', 'twemoji'].map(iconSet)
const iconSets = ['tabler', 'ph', 'lucide'].map(iconSet)
const colourIcons = iconSet('flat-color-icons')

/** Keywords of emoji, CLDR's, by the name that icon sets derive from CLDR's label. */
const keywords = new Map(
  (require('emojibase-data/en/data.json') as { label: string; tags?: string[] }[]).map(({ label, tags }) => [
    slug(label),
    tags ?? [],
  ]),
)
function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')
}

function svgOf(set: IconSet, name: string): string | null {
  const icon = set.icons[name] ?? set.icons[set.aliases?.[name]?.parent ?? '']
  if (!icon) return null
  const { left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16 } = icon
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${left} ${top} ${width} ${height}" width="${width}" height="${height}" color="#111">${icon.body}</svg>`
}

async function draw(svg: string, onWhite: boolean): Promise<Buffer> {
  const [, width, height] = svg.match(/width="([\d.]+)" height="([\d.]+)"/)!.map(Number)
  const image = sharp(Buffer.from(svg), { density: (72 * edge) / Math.max(width!, height!) }).resize(edge, edge, {
    fit: 'contain',
    background: '#ffffff00',
  })
  return (onWhite ? image.flatten({ background: '#fff' }) : image)
    .webp({ nearLossless: true, quality: 60, effort: 6 })
    .toBuffer()
}

interface Sample {
  file: string
  name: string
  title: string
  tags: string[]
  collections: string[]
  set: string
  licence: string
}

const made: Sample[] = []
const used = new Map<IconSet, number>()
const seen = new Set<string>()

async function take(collection: string, name: string, sets: readonly IconSet[], turn: number, emoji: boolean) {
  for (let n = 0; n < sets.length; n++) {
    const set = sets[(turn + n) % sets.length]!
    const svg = svgOf(set, name)
    const file = `${set.prefix}-${name}.webp`
    if (!svg || seen.has(file)) continue
    seen.add(file)
    used.set(set, (used.get(set) ?? 0) + 1)
    writeFileSync(path.join(samples, file), await draw(svg, !emoji && set !== colourIcons))
    const title = name.replaceAll('-', ' ')
    const words = emoji ? (keywords.get(name) ?? []) : name.split('-').filter((word) => word.length > 2)
    made.push({
      file,
      name: `${name}.webp`,
      title: title[0]!.toUpperCase() + title.slice(1),
      tags: [...new Set([...words, emoji ? 'emoji' : 'icon'])].slice(0, 12),
      collections: [collection],
      set: set.info.name,
      licence: set.info.license.spdx,
    })
    return
  }
  console.warn(`no set has "${name}" (${collection})`)
}

for (const file of readdirSync(samples)) if (file.endsWith('.webp')) rmSync(path.join(samples, file))
mkdirSync(samples, { recursive: true })
let turn = 0
for (const [collection, { emoji, icons }] of Object.entries(choice)) {
  for (const name of emoji.split(/\s+/)) await take(collection, name, emojiSets, turn++, true)
  for (const name of icons.split(/\s+/)) await take(collection, name, iconSets, turn++, false)
}
for (const name of Object.keys(colourIcons.icons).filter((_, n) => n % 8 === 3))
  await take('Office', name, [colourIcons], 0, false)

writeFileSync(
  path.join(samples, 'manifest.json'),
  `[\n${made.map((sample) => `  ${JSON.stringify(sample)}`).join(',\n')}\n]\n`,
)
const licences = [...used].map(
  ([{ prefix, info }, count]) =>
    `| [${info.name}](${info.author.url}) | ${info.author.name} | [${info.license.spdx}](${info.license.url ?? info.author.url}) | ${count} | \`@iconify-json/${prefix}\` |`,
)
writeFileSync(
  path.join(samples, 'LICENSES.md'),
  `# Licences of the sample images

The images of this folder were drawn from these openly licensed sets, ${edge} pixels square; nothing else about them
was changed. \`manifest.json\` names the set and the licence of each image. Emoji keywords are CLDR's, as packaged by
emojibase-data (MIT; Unicode Licence v3).

| set | by | licence | images | package |
| --- | --- | --- | --- | --- |
${licences.join('\n')}
`,
)
const bytes = made.reduce((sum, { file }) => sum + readFileSync(path.join(samples, file)).length, 0)
console.log(`${made.length} images, ${(bytes / 2 ** 20).toFixed(2)} MiB`)
