/** The house's rules on imports: which room may know which, no circles, no crowded folder. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * What each room may import from, beside itself; the longest prefix of a file's path is its room. `workers` alone stands
 * for the files at its top: errors, limits, log, random. A single file stands for itself.
 */
const allowed: Record<string, readonly string[]> = {
  api: ['schema', 'prisma', 'workers/*'],
  schema: ['prisma', 'workers/*'],
  // Runs state what they need of a database; prisma/runs.ts is it.
  prisma: ['workers', 'workers/colour', 'workers/fs', 'workers/drawing/runs/run-store.ts'],
  plugins: [],
  workers: [],
  'workers/fs': ['workers'],
  'workers/similarity': ['workers'],
  'workers/runtime': ['workers'],
  'workers/images': ['workers', 'workers/runtime'],
  'workers/colour': ['workers', 'workers/images', 'workers/runtime'],
  'workers/sources': ['workers'],
  'workers/onnx': ['workers'],
  'workers/autodiff': ['workers', 'workers/onnx'],
  'workers/registry': [
    'workers',
    'workers/fs',
    'workers/images',
    'workers/onnx',
    'workers/runtime',
    'workers/similarity',
  ],
  'workers/encode': [
    'workers',
    'workers/fs',
    'workers/images',
    'workers/onnx',
    'workers/registry',
    'workers/runtime',
    'workers/similarity',
  ],
  'workers/relevance': ['workers', 'workers/encode', 'workers/fs', 'workers/registry', 'workers/similarity'],
  'workers/guidance': [
    'workers',
    'workers/autodiff',
    'workers/encode',
    'workers/fs',
    'workers/images',
    'workers/onnx',
    'workers/registry',
    'workers/runtime',
    'workers/similarity',
  ],
  'workers/drawing': [
    'workers',
    'workers/autodiff',
    'workers/guidance',
    'workers/images',
    'workers/onnx',
    'workers/registry',
    'workers/runtime',
    'workers/similarity',
  ],
  'workers/variants': [
    'workers',
    'workers/encode',
    'workers/fs',
    'workers/images',
    'workers/onnx',
    'workers/registry',
    'workers/runtime',
    'workers/similarity',
  ],
  'workers/ingest': [
    'prisma',
    'workers',
    'workers/colour',
    'workers/encode',
    'workers/fs',
    'workers/images',
    'workers/registry',
    'workers/runtime',
    'workers/similarity',
  ],
  // Trains and judges models; nothing of the product imports it.
  'workers/lab': ['workers/*'],
}

const importPattern = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]|new URL\(\s*['"](\.[^'"]+)['"]/g

function roomOf(file: string): string {
  const [top, second, more] = file.split('/') as [string, string, string?]
  return top === 'workers' && more !== undefined ? `workers/${second}` : top
}

const targets = (file: string, text: string): string[] =>
  [...text.matchAll(importPattern)].map(([, from, url]) =>
    path.posix.join(path.posix.dirname(file), (from ?? url)!),
  )

function violations(file: string, text: string): string[] {
  const room = roomOf(file)
  const rules = allowed[room]
  if (!rules) return [`${file} lies in a room without rules`]
  return (
    targets(file, text)
      // A folder of data (workers/models, workers/ingest/samples) is no import.
      .filter((target) => target.endsWith('.ts'))
      .filter((target) => {
        const other = roomOf(target)
        const any = rules.includes('workers/*') && other.startsWith('workers') && other !== 'workers/lab'
        return other !== room && !any && !rules.includes(other) && !rules.includes(target)
      })
      .map((target) => `${file} imports ${target}`)
  )
}

/** Circles among files: each a path that comes back to where it began. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const walk = (file: string, trail: readonly string[]) => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file])
    state.set(file, 'done')
  }
  for (const file of graph.keys()) walk(file, [])
  return found
}

const files = globSync('{api,schema,workers,prisma,plugins}/**/*.ts').filter(
  (file) => !file.includes('/node_modules/') && !file.startsWith('prisma/generated/'),
)
const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

describe('imports', () => {
  it('the test finds the sources of every room that has rules', () => {
    const rooms = new Set(files.map(roomOf))
    for (const room of Object.keys(allowed))
      if (existsSync(room) && room !== 'plugins') expect(rooms).toContain(room)
    expect(files.length).toBeGreaterThan(200)
  })

  it.each([
    ['workers/encode/x.ts', '../../schema/index.ts'],
    ['workers/encode/x.ts', '../../prisma/open.ts'],
    ['workers/runtime/x.ts', '../registry/spec.ts'],
    ['workers/images/x.ts', '../registry/spec.ts'],
    ['workers/autodiff/x.ts', '../encode/encoder.ts'],
    ['prisma/x.ts', '../workers/encode/encoder.ts'],
    ['prisma/x.ts', '../workers/drawing/painter.ts'],
    ['schema/x.ts', '../api/app.ts'],
    ['api/x.ts', '../workers/lab/corpus/render.ts'],
    ['plugins/panel/x.ts', '../../workers/errors.ts'],
    ['workers/relevance/x.ts', '../../prisma/types.ts'],
    ['workers/nowhere/x.ts', './y.ts'],
  ])('the test notices that %s must not import %s', (file, target) => {
    expect(violations(file, `import { a } from '${target}'`)).toHaveLength(1)
    expect(violations(file, `const a = await import('${target}')`)).toHaveLength(1)
  })

  it.each([
    ['workers/ingest/x.ts', '../../prisma/open.ts'],
    ['workers/runtime/x.ts', '../errors.ts'],
    ['schema/assets/x.ts', '../../workers/ingest/library.ts'],
    ['prisma/embedded/x.ts', '../../workers/fs/lock.ts'],
    ['prisma/x.ts', '../workers/drawing/runs/run-store.ts'],
  ])('the test lets %s import %s', (file, target) => {
    expect(violations(file, `import { a } from '${target}'`)).toEqual([])
  })

  it('every file imports only from the rooms that its own may know', () => {
    expect(files.flatMap((file) => violations(file, texts.get(file)!))).toEqual([])
  })

  it('the test notices a circle', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['b']],
    ])
    expect(circles(graph)).toEqual(['b -> c -> b'])
  })

  it('no imports go in a circle', () => {
    const importsOnly = (text: string) => text.replaceAll(/new URL\([^)]*\)/g, '')
    expect(
      circles(new Map(files.map((file) => [file, targets(file, importsOnly(texts.get(file)!))]))),
    ).toEqual([])
  })

  it('no folder holds more than fifteen source files', () => {
    const counts = Map.groupBy(files, path.posix.dirname)
    const crowded = [...counts].filter(([, inside]) => inside.length > 15).map(([folder]) => folder)
    expect(crowded).toEqual([])
  })
})
