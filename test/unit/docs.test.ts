/** The generated pages and pictures of docs/ are those that the code gives now, and links in the docs lead somewhere. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isAbstractType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { stations } from '../../docs/images/image-way.ts'
import { generatedDocs } from '../../docs/print.ts'
import { schema } from '../../schema/index.ts'

const clientPages = globSync('docs/clients/*.md').sort()
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!)

describe('pages of clients', () => {
  /** Files that a page shows, and what they import. */
  const shownBy = (page: string) => all(readFileSync(page, 'utf8'), /^<!-- code: (\S+) -->$/gm)
  const importsOf = (file: string) => all(readFileSync(file, 'utf8'), /from '([^']+)'/g)

  it.each(clientPages)(
    '%s has its reader install what its files import, as the test of the clients does',
    (page) => {
      const tried = JSON.parse(readFileSync('test/clients/package.json', 'utf8')).dependencies
      const lines = all(readFileSync(page, 'utf8'), /^(?:npm install|npx) (.*)$/gm)
      const installed = lines.flatMap((line) => all(line, /(@?[\w/-]+@\d+)/g))
      for (const name of installed.map((one) => one.replace(/@\d+$/, '')))
        expect(installed).toContain(`${name}@${tried[name]?.split('.')[0]}`)
      const imported = shownBy(page)
        .flatMap(importsOf)
        .filter((name) => !/^(node:|\.)/.test(name))
        .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0])
      const names = installed.map((one) => one.replace(/@\d+$/, ''))
      expect(imported.filter((name) => !names.includes(name))).toEqual([])
    },
  )

  it('the possible types that the pages give to caches are those of the schema', () => {
    const client = readFileSync('test/clients/apollo/client.ts', 'utf8')
    const page = readFileSync('docs/clients/README.md', 'utf8').replaceAll(/\s+/g, ' ')
    for (const type of Object.values(schema.getTypeMap()).filter(isAbstractType)) {
      if (type.name.startsWith('__')) continue
      const possible = schema.getPossibleTypes(type).map(({ name }) => name)
      const listed = new RegExp(`^  ${type.name}: \\[(.*)\\],$`, 'm').exec(client)?.[1]
      expect([type.name, listed?.replaceAll("'", '').split(', ').sort()]).toEqual([
        type.name,
        possible.sort(),
      ])
      const named = new RegExp(`\`${type.name}\`: ([\\w, ]+)`).exec(page)?.[1]
      expect([type.name, named?.split(', ').sort()]).toEqual([type.name, possible.sort()])
    }
  })

  it.each(clientPages)('%s shows every file that its files import', (page) => {
    const shown = shownBy(page)
    const imported = shown.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith('.'))
        .map((name) => path.join(path.dirname(file), name)),
    )
    const written = /__generated__|\/gql\/|\.json$/
    expect(imported.filter((file) => !written.test(file) && !shown.includes(file))).toEqual([])
  })
})

describe('docs', () => {
  it.each(Object.entries(generatedDocs()))('docs/%s is what `npm run docs` writes', (file, text) => {
    expect(readFileSync(path.join('docs', file), 'utf8')).toBe(text)
  })

  it.each(stations)('the station "$title" of the picture of an image\'s way is a file: $file', ({ file }) => {
    expect(existsSync(file)).toBe(true)
  })

  const pages = globSync(
    '{*.md,docs/**/*.md,workers/lab/README.md,workers/models/*/README.md,plugins/**/*.md}',
    {
      exclude: (name) => name.includes('node_modules'),
    },
  )

  it.each(pages)('every link of %s to a file of this repository leads somewhere', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    const broken = links
      .filter((link) => !/^(https?:|mailto:|#)/.test(link))
      .filter((link) => !existsSync(path.join(path.dirname(page), decodeURI(link.replace(/#.*$/, '')))))
    expect(broken).toEqual([])
  })

  it.each(pages)('every path of this repository that %s names in code marks exists', (page) => {
    const named = [
      ...readFileSync(page, 'utf8').matchAll(/`((?:api|schema|prisma|workers|test|docs)\/[\w./-]+)`/g),
    ].map(([, file]) => file!)
    // NAME and NNNN stand for a name that the reader chooses.
    const meant = named.filter((file) => !/NAME|NNNN/.test(file))
    expect(meant.filter((file) => !existsSync(file))).toEqual([])
  })
})
