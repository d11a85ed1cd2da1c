/**
 * `prepack`: writes dist/, the same tree as the checkout with JavaScript and declarations for TypeScript, and the data files
 * beside. A checkout never runs it.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')

/** What the code reads at run time, files and whole folders. */
const data = [
  'prisma/migrations',
  'schema/schema.graphql',
  'workers/encode/verification/images',
  'workers/images/resample/resample.wasm',
  'workers/ingest/samples',
  'workers/models',
]
const notPacked = [path.join(root, 'workers/ingest/samples/make')]

/** Paths of modules in strings that the compiler leaves as they are: of threads and processes, and in declarations. */
const modulePath = /((?:new URL|import)\(\s*['"]|(?:from|import) ['"])(\.{1,2}\/[^'"]+)\.ts(?=['"])/g

function rewrite(file: string): void {
  const text = readFileSync(file, 'utf8')
  const rewritten = text.replaceAll(modulePath, (_, before, target) => {
    const module = path.resolve(path.dirname(file), `${target}.js`)
    if (!existsSync(module)) throw new Error(`${file} names ${target}.ts, which is not in the package.`)
    return `${before}${target}.js`
  })
  const left = rewritten.match(/['"]\.{1,2}\/[^'"\s]*\.ts['"]/)
  if (left) throw new Error(`${file} still names ${left[0]}.`)
  if (rewritten !== text) writeFileSync(file, rewritten)
}

rmSync(dist, { recursive: true, force: true })
const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '--project', path.join(root, 'build/tsconfig.json')], {
  stdio: 'inherit',
})
for (const file of globSync('**/*.{js,d.ts}', { cwd: dist })) rewrite(path.join(dist, file))
for (const entry of data)
  cpSync(path.join(root, entry), path.join(dist, entry), {
    recursive: true,
    // Code among the data is compiled, not copied.
    filter: (source) => !notPacked.includes(source) && !source.endsWith('.ts'),
  })
