import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

/** Which top-level folders each folder may import from: api -> schema -> workers, prisma; workers/ingest -> prisma. */
const allowed: Record<string, readonly string[]> = {
  api: ['api', 'schema', 'workers', 'prisma'],
  schema: ['schema', 'workers', 'prisma'],
  workers: ['workers'],
  'workers/ingest': ['workers', 'prisma'],
  prisma: ['prisma'],
  plugins: ['plugins'],
}

const importPattern = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]|new URL\(\s*['"](\.[^'"]+)['"]/g

function violations(file: string, text: string): string[] {
  const folder = file.startsWith('workers/ingest/') ? 'workers/ingest' : file.split('/')[0]!
  const found: string[] = []
  for (const match of text.matchAll(importPattern)) {
    const target = path.posix.join(path.posix.dirname(file), (match[1] ?? match[2])!)
    const top = target.split('/')[0]!
    if (!allowed[folder]!.includes(top)) found.push(`${file} imports ${target}`)
  }
  return found
}

describe('imports go one way', () => {
  const files = globSync('{api,schema,workers,prisma,plugins}/**/*.ts').filter(
    (file) => !file.includes('/node_modules/'),
  )

  it('finds the sources', () => {
    for (const folder of ['api', 'schema', 'workers', 'prisma'])
      expect(files.some((file) => file.startsWith(`${folder}/`))).toBe(true)
  })

  it('notices a wrong import', () => {
    expect(violations('workers/encode/x.ts', "import { a } from '../../schema/index.ts'")).toHaveLength(1)
    expect(violations('workers/ingest/x.ts', "import { a } from '../../prisma/open.ts'")).toHaveLength(0)
    expect(violations('workers/encode/x.ts', "import { a } from '../../prisma/open.ts'")).toHaveLength(1)
    expect(
      violations('plugins/panel/x.ts', "const a = await import('../../workers/errors.ts')"),
    ).toHaveLength(1)
  })

  it('api -> schema -> workers, prisma; workers/ingest -> prisma; plugins nothing', () => {
    expect(files.flatMap((file) => violations(file, readFileSync(file, 'utf8')))).toEqual([])
  })
})
