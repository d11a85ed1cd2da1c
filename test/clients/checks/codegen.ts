import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import type { Client } from './check.ts'
import { node } from './limn.ts'
import { printsResults } from './page.ts'
import { compile } from './program.ts'
import { brief, watched } from './traffic.ts'

const folder = path.resolve('test/clients/codegen')

export default {
  checks: {
    async 'the generator'(limn) {
      rmSync(path.join(folder, 'gql'), { recursive: true, force: true })
      const printed = await node(limn, 'codegen', [
        '../node_modules/@graphql-codegen/cli/cjs/bin.js',
        '--config',
        'codegen.ts',
      ])
      assert.match(printed, /Generate outputs/)
    },

    // wrong.ts is an error where one of its mistakes is none.
    types: () => compile(folder),

    async 'the page'(limn) {
      const printed = (await node(limn, 'codegen', ['main.ts'])).trimEnd().split('\n')
      printsResults(limn, printed.slice(0, 3))
      assert.deepEqual(printed.slice(3), ['256 numbers', '1: UNSUPPORTED_FORMAT'])
    },

    async 'persisted documents'(limn) {
      const { execute } = await import('../codegen/execute.ts')
      const { Model } = await import('../codegen/wrong.ts')
      const server = { url: limn.graphql, key: limn.key }
      const first = await watched(() => execute(Model, {}, server))
      assert.deepEqual(first.sent.map(brief), ['POST hash 200', 'POST document 200'])
      const second = await watched(() => execute(Model, {}, server))
      assert.deepEqual(second.sent.map(brief), ['POST hash 200'])
      assert.deepEqual(second.result, { data: { models: [{ id: 'limn-icons', dimensions: 256 }] } })
    },
  },
} satisfies Client
