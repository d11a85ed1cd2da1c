/** The generated pages and pictures of docs/ are those that the code gives now, and links in the docs lead somewhere. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { stations } from '../../docs/images/image-way.ts'
import { generatedDocs } from '../../docs/print.ts'

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
