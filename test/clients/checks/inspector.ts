/** graphql-inspector: what a CI of a client's project asks of a server's schema. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Client } from './check.ts'

const program = path.resolve('test/clients/node_modules/.bin/graphql-inspector')

/** Its exit status, and what it prints. */
async function inspect(...args: string[]): Promise<{ code: number; printed: string }> {
  const options = { cwd: path.resolve('test/clients'), env: { ...process.env, NO_COLOR: '1' } }
  const {
    stdout,
    stderr,
    code = 0,
  } = await promisify(execFile)(process.execPath, [program, ...args], options).catch((error) => error)
  return { code, printed: `${stdout}${stderr}` }
}

/** Documents of the other clients' pages, those of Relay as its compiler has written them. */
const documents = '{apollo,urql,codegen,fetch}/*.ts'

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-inspector-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export default {
  checks: {
    diff: ({ url }) =>
      inFolder(async (folder) => {
        const richer = path.join(folder, 'richer.graphql')
        const printed = readFileSync('schema/schema.graphql', 'utf8')
        writeFileSync(richer, printed.replace(/^type Server {/m, 'type Server {\n  dropped: Int\n'))
        // Else it sends a POST.
        const served = ['--method', 'GET', `${url}/schema.graphql`]
        const [same, poorer] = await Promise.all(
          ['../../schema/schema.graphql', richer].map((schema) => inspect('diff', schema, ...served)),
        )
        assert.match(same!.printed, /No changes detected/)
        assert.match(poorer!.printed, /Field dropped was removed from object type Server/)
        assert.deepEqual([same!.code, poorer!.code], [0, 1])
      }),

    validate: ({ graphql, key }) =>
      inFolder(async (folder) => {
        const wrong = path.join(folder, 'wrong.graphql')
        writeFileSync(wrong, '{ assets { nodes { unheardOf } } }')
        const [right, refused] = await Promise.all(
          [documents, wrong].map((files) =>
            inspect('validate', files, graphql, '--header', `x-api-key: ${key}`),
          ),
        )
        assert.match(right!.printed, /All documents are valid/)
        assert.match(refused!.printed, /Cannot query field unheardOf on type Asset/)
        assert.deepEqual([right!.code, refused!.code], [0, 1])
      }),

    coverage: ({ graphql }) =>
      inFolder(async (folder) => {
        const report = path.join(folder, 'coverage.json')
        await inspect('coverage', documents, graphql, '--write', report)
        const { types } = JSON.parse(readFileSync(report, 'utf8'))
        assert.equal(types.Query.children.search.hits, 4)
        assert.equal(types.Subscription.children.drawing.hits, 3)
        assert.equal(types.Asset.children.contentHash.hits, 0)
      }),
  },
} satisfies Client
