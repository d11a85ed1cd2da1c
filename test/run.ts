/**
 * `npm test`: installs what the tests need where it may (Debian or Ubuntu, as root), checks types and style, then runs
 * the suite on the embedded database and, where PostgreSQL with pgvector can be had, once more on that, and tries the
 * GraphQL clients of others.
 * What is missing elsewhere is named and its tests are skipped; with CI set, something missing is a failure.
 */
import { spawn } from 'node:child_process'
import { setUp } from './setup/debian.ts'
import { startPostgres } from './support/postgres.ts'

const root = new URL('..', import.meta.url).pathname
const bin = (name: string) => `${root}node_modules/.bin/${name}`

function run(title: string, command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  console.log(`\n── ${title}`)
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

const only = process.argv.slice(2)
const missing = await setUp()
const failed: string[] = []

if (only.length === 0) {
  if (await run('types', bin('tsc'), ['--noEmit'])) failed.push('types')
  if (await run('style', bin('biome'), ['check', '.'])) failed.push('style')
  if (await run('spelling', 'npm', ['run', '--silent', 'spelling'])) failed.push('spelling')
}

const postgres = missing.postgres ? null : await startPostgres()
try {
  const title = postgres ? 'tests: embedded database and PostgreSQL' : 'tests: embedded database'
  const env = {
    ...(postgres && { LIMN_TEST_POSTGRES: postgres.url }),
    ...(missing.packages && { LIMN_TEST_OFFLINE: '1' }),
  }
  const vitest = `${root}node_modules/vitest/vitest.mjs`
  if (await run(title, process.execPath, [vitest, 'run', ...only], env)) failed.push('tests')
} finally {
  await postgres?.stop()
}

if (only.length === 0 && !missing.packages) {
  const clients = ['--disable-warning=ExperimentalWarning', 'test/clients/run.ts']
  if (await run('GraphQL clients of others', process.execPath, clients)) failed.push('clients')
}

for (const [part, reason] of Object.entries(missing)) {
  console.log(`skipped: ${part} (${reason})`)
  if (process.env.CI) failed.push(`${part} is missing`)
}
console.log(failed.length ? `\nFailed: ${failed.join(', ')}` : '\nAll passed.')
process.exitCode = failed.length ? 1 : 0
