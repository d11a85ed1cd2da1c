/**
 * A team's folder of about 1,500 files, picked from open packages: stamps, clip art, flags, logos, emoji, icons and
 * wallpapers, with names, folders and tags as they come. What a package also says of a file, and the team does not know,
 * serves the judging alone.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { uniform } from '../../../workers/random.ts'
import { packageFolder } from './packages.ts'

export interface TeamFile {
  file: string
  name: string
  folder: string
  tags: string[]
  /** What it shows, as its package says: in plain words. */
  shows: string
}

/** How many of each kind a folder has; another seed picks others. */
export function teamFiles(seed: number): TeamFile[] {
  const random = uniform(seed)
  const some = (files: TeamFile[], count: number) =>
    files
      .map((file) => ({ file, at: asked.test(file.shows) ? 0 : random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ file }) => file)
  return [
    ...some(stamps(), 430),
    ...some(clipArt(), 260),
    ...some(flags(), 130),
    ...some(logos(), 130),
    ...some(emoji(), 270),
    ...some(lucide(), 170),
    ...some(tabler(), 90),
    ...some(wallpapers(), 60),
  ]
}

/** Of many flags and logos, those that a request names are there. */
const asked = /^(flag of (Germany|Brazil|Japan|Canada)|logo (GitHub|Spotify|Python|GitLab)) ?/

const maxBytes = 3 * 2 ** 20
const usable = (file: string) => statSync(file).size < maxBytes
const stem = (file: string) => path.basename(file, path.extname(file))
/** Every second file, by its name: half of the files have what the other half lacks. */
const isOdd = (text: string) => [...text].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0) % 2 === 1

function stamps(): TeamFile[] {
  const root = path.join(packageFolder('tuxpaint-stamps-default'), 'usr/share/tuxpaint/stamps')
  return globSync('**/*.{png,svg}', { cwd: root })
    .filter((file) => !/alphabets|_mirror|_flip|\/math\//.test(file) && usable(path.join(root, file)))
    .filter((file) => !(file.endsWith('.svg') && existsSync(path.join(root, file.replace(/svg$/, 'png')))))
    .sort()
    .map((file) => {
      const text = path.join(root, file.replace(/\.\w+$/, '.txt'))
      const said = existsSync(text) ? readFileSync(text, 'utf8').split('\n')[0]! : ''
      const folder = path.dirname(file)
      return {
        ...{ file: path.join(root, file), name: path.basename(file), folder: `Stamps/${folder}`, tags: [] },
        shows: `${stem(file)} ${said} ${folder}`,
      }
    })
}

/** Title and keywords are inside the files. */
function clipArt(): TeamFile[] {
  const root = path.join(packageFolder('openclipart-svg'), 'usr/share/openclipart/svg')
  return globSync('{animals,buildings,food,recreation,transportation,plants,tools,office}/**/*.svg', {
    cwd: root,
  })
    .filter((file) => statSync(path.join(root, file)).size < 2e5)
    .sort()
    .map((file) => {
      const svg = readFileSync(path.join(root, file), 'utf8').slice(0, 20_000)
      const title = /<dc:title[^>]*>([^<]*)/.exec(svg)?.[1] ?? ''
      const keywords = /<dc:subject>(.*?)<\/dc:subject>/s.exec(svg)?.[1]?.replace(/<[^>]*>/g, ' ') ?? ''
      return {
        ...{
          file: path.join(root, file),
          name: path.basename(file),
          folder: `Clip art/${path.dirname(file)}`,
        },
        ...{ tags: [], shows: `${stem(file)} ${title} ${keywords} ${path.dirname(file)}` },
      }
    })
}

function flags(): TeamFile[] {
  const root = path.join(packageFolder('flag-icons'), 'package')
  const countries: { code: string; name: string; continent?: string; flag_4x3: string }[] = JSON.parse(
    readFileSync(path.join(root, 'country.json'), 'utf8'),
  )
  return countries.map(({ code, name, continent, flag_4x3 }) => ({
    file: path.join(root, flag_4x3),
    name: isOdd(code) ? `flag-${code}.svg` : `${name.replaceAll(' ', '_')}.svg`,
    ...{ folder: 'Flags', tags: isOdd(code) ? [name, continent ?? ''].filter(Boolean) : [] },
    shows: `flag of ${name}`,
  }))
}

function logos(): TeamFile[] {
  const root = path.join(packageFolder('simple-icons'), 'package')
  const icons: { title: string; slug?: string }[] = JSON.parse(
    readFileSync(path.join(root, 'data/simple-icons.json'), 'utf8'),
  )
  return icons
    .map(({ title, slug }) => ({ title, slug: slug ?? title.toLowerCase().replace(/[^a-z0-9]/g, '') }))
    .filter(({ slug }) => existsSync(path.join(root, 'icons', `${slug}.svg`)))
    .map(({ title, slug }) => ({
      ...{
        file: path.join(root, 'icons', `${slug}.svg`),
        name: `${slug}-logo_v2.svg`,
        folder: 'Brand/Partner logos',
      },
      ...{ tags: [], shows: `logo ${title} ${slug}` },
    }))
}

/** Half of them are called by their code points alone, and of those nobody has written down what they show. */
function emoji(): TeamFile[] {
  const root = path.join(packageFolder('openmoji'), 'package')
  const all: {
    hexcode: string
    annotation: string
    group: string
    subgroups: string
    tags: string
    skintone: string
  }[] = JSON.parse(readFileSync(path.join(root, 'data/openmoji.json'), 'utf8'))
  return all
    .filter(
      ({ hexcode, group, skintone }) =>
        /^(animals|food|travel|activities|objects|symbols)/.test(group) &&
        !skintone &&
        existsSync(path.join(root, 'color/svg', `${hexcode}.svg`)),
    )
    .map(({ hexcode, annotation, tags, subgroups }) => {
      const named = isOdd(hexcode)
      return {
        file: path.join(root, 'color/svg', `${hexcode}.svg`),
        name: named ? `${annotation.replaceAll(/[^\w]+/g, '-')}.svg` : `${hexcode}.svg`,
        ...{ folder: 'Campaigns/Emoji', tags: named ? tags.split(', ').slice(0, 4) : [] },
        shows: `${annotation} ${subgroups}`,
      }
    })
}

function lucide(): TeamFile[] {
  const root = path.join(packageFolder('lucide-static'), 'package')
  const tags: Record<string, string[]> = JSON.parse(readFileSync(path.join(root, 'tags.json'), 'utf8'))
  return Object.entries(tags)
    .filter(([name]) => existsSync(path.join(root, 'icons', `${name}.svg`)))
    .map(([name, words]) => ({
      ...{ file: path.join(root, 'icons', `${name}.svg`), name: `${name}.svg`, folder: 'Website/icons' },
      ...{ tags: isOdd(name) ? words : [], shows: name },
    }))
}

function tabler(): TeamFile[] {
  const root = path.join(packageFolder('@tabler/icons'), 'package')
  const icons: Record<string, { name: string; tags: (string | number)[] }> = JSON.parse(
    readFileSync(path.join(root, 'icons.json'), 'utf8'),
  )
  return Object.values(icons)
    .filter(({ name }) => existsSync(path.join(root, 'icons/filled', `${name}.svg`)))
    .map(({ name, tags }) => ({
      file: path.join(root, 'icons/filled', `${name}.svg`),
      name: `ic_${name.replaceAll('-', '_')}_24px.svg`,
      ...{ folder: 'App/Android', tags: isOdd(name) ? tags.map(String) : [], shows: name },
    }))
}

function wallpapers(): TeamFile[] {
  const gnome = path.join(packageFolder('gnome-backgrounds'), 'usr/share/backgrounds/gnome')
  const mate = path.join(packageFolder('mate-backgrounds'), 'usr/share/backgrounds/mate')
  const plasma = path.join(packageFolder('plasma-workspace-wallpapers'), 'usr/share/wallpapers')
  const of = (root: string, pattern: string, nameOf: (file: string) => string) =>
    globSync(pattern, { cwd: root })
      .filter((file) => usable(path.join(root, file)))
      .sort()
      .map((file) => ({
        ...{ file: path.join(root, file), name: nameOf(file), folder: 'Photos/Wallpapers', tags: [] },
        shows: stem(nameOf(file)),
      }))
  return [
    ...of(gnome, '*.{webp,svg}', (file) => path.basename(file)),
    ...of(mate, '{nature,abstract}/*.{jpg,png}', (file) => path.basename(file)),
    ...of(plasma, '*/contents/screenshot.{jpg,png}', (file) => file.split('/')[0] + path.extname(file)),
  ]
}
