/**
 * `npm run clients [-- CLIENT ...]`: tries GraphQL clients and tools of others against one real server, and prints a line
 * for each client and subject. The pages of docs/clients show the files that it runs.
 */
import path from 'node:path'
import { type Client, type Tally, tryClient } from './checks/check.ts'
import { withLimn } from './checks/limn.ts'
import { installClients } from './install.ts'

/** In this order: the last ones read what the tools of the others have written. */
const clients = [
  ...['apollo', 'urql', 'relay', 'fetch', 'browser', 'curl', 'python'],
  ...['sse', 'codegen', 'inspector', 'types'],
]

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !clients.includes(name))
if (unknown.length > 0) throw new Error(`no client ${unknown.join(', ')}: there are ${clients.join(', ')}`)

process.chdir(path.resolve(import.meta.dirname, '../..'))
const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
// The server starts meanwhile; what goes wrong is told of below.
const installing = installClients()
installing.catch(() => {})
await withLimn(async (limn) => {
  await installing
  for (const name of asked.length > 0 ? asked : clients) {
    const { default: client } = (await import(`./checks/${name}.ts`)) as { default: Client }
    await tryClient(name, client, limn, tally)
  }
})
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
// As for the other tests: with CI set, something missing is a failure.
if (tally.failed > 0 || (process.env.CI && tally.skipped > 0)) process.exitCode = 1
