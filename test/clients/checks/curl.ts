import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Client } from './check.ts'
import { type Limn, newImage, party } from './limn.ts'
import { missing } from './program.ts'

const run = promisify(execFile)

/** The page's script says everything; each check reads its part. */
let said: Promise<string[]> | undefined
const script = (limn: Limn) => (said ??= runScript(limn))

async function runScript({ graphql, key }: Limn): Promise<string[]> {
  const image = await newImage('curl.png')
  const file = path.join(os.tmpdir(), `limn-${process.pid}-${image.name}`)
  writeFileSync(file, await image.bytes())
  try {
    const env = { ...process.env, LIMN_URL: graphql, LIMN_KEY: key }
    const { stdout } = await run('sh', [path.resolve('test/clients/curl/main.sh'), file], { env })
    return stdout.split('\n')
  } finally {
    rmSync(file)
  }
}

/** The answer to `curl ARGS`, with its status. */
async function curl(...args: string[]): Promise<{ status: number; type: string; body: any }> {
  const { stdout } = await run('curl', ['--silent', '-w', '\n%{http_code} %{content_type}', ...args])
  const [, body, status, type] = /^(.*)\n(\d+) (.*)$/s.exec(stdout)!
  return { status: Number(status), type: type!, body: JSON.parse(body!) }
}

export default {
  missing: missing('curl'),
  checks: {
    async queries(limn) {
      const [posted, got] = (await script(limn)).slice(0, 2).map((line) => JSON.parse(line))
      assert.deepEqual(
        posted.data.search.nodes,
        party.slice(0, 3).map((name) => ({ name })),
      )
      assert.deepEqual(got, { data: { models: [{ id: 'limn-icons' }] } })
    },

    async uploads(limn) {
      const { data } = JSON.parse((await script(limn))[2]!)
      assert.deepEqual(data.addAssets.userErrors, [])
      const [{ duplicate, asset }] = data.addAssets.results
      assert.deepEqual([duplicate, asset.tags], [false, ['from curl']])
      assert.match(asset.name, /curl\.png$/)
      const form = ['-F', 'operations={"query":"{ models { id } }"}', '-F', 'map={}', limn.graphql]
      const refused = await curl(...form)
      assert.deepEqual([refused.status, refused.body.errors[0].extensions.code], [403, 'FORBIDDEN'])
      assert.match(refused.body.errors[0].message, /x-limn-client/)
    },

    async 'persisted documents'(limn) {
      const [registered, known] = (await script(limn)).slice(3, 5).map((line) => JSON.parse(line))
      assert.deepEqual(registered, { data: { search: { nodes: [{ name: 'guitar.webp' }] } } })
      assert.deepEqual(known, { data: { search: { nodes: [{ name: 'dog-face.webp' }] } } })
      const unknown = await curl(
        '--get',
        '--data-urlencode',
        `documentId=sha256:${'0'.repeat(64)}`,
        limn.graphql,
      )
      assert.equal(unknown.body.errors[0].extensions.code, 'PERSISTED_QUERY_NOT_FOUND')
    },

    async subscriptions(limn) {
      const events = (await script(limn)).slice(5)
      const frames = events.filter((line) => /^data: ./.test(line)).map((line) => JSON.parse(line.slice(6)))
      assert.deepEqual(frames.at(-1).data.drawing, {
        id: frames[0].data.drawing.id,
        status: 'DONE',
        step: 20,
      })
      assert.ok(frames.length >= 2 && events.includes('event: complete'))
    },

    async 'partial errors'({ graphql }) {
      const query = '{ models { id } search(prompt: "x", model: "nowhere") { nodes { id } } }'
      const ask = (accept: string, document = query) =>
        curl(
          '-H',
          `accept: ${accept}`,
          '-H',
          'content-type: application/json',
          '-d',
          JSON.stringify({ query: document }),
          graphql,
        )
      const { status, type, body } = await ask('application/graphql-response+json')
      assert.deepEqual([status, type], [200, 'application/graphql-response+json; charset=utf-8'])
      assert.deepEqual(body.data, { models: [{ id: 'limn-icons' }], search: null })
      assert.deepEqual(
        body.errors.map(({ path, extensions }: any) => [path, extensions.code]),
        [[['search'], 'MODEL_NOT_FOUND']],
      )
      assert.equal((await ask('application/graphql-response+json', '{ nothing }')).status, 400)
      assert.equal((await ask('application/json', '{ nothing }')).status, 200)
    },
  },
} satisfies Client
