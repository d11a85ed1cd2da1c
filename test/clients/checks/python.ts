import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Check, Client } from './check.ts'
import { newImage, party, samples, smallDrawing } from './limn.ts'
import { pageWorks } from './page.ts'
import { missing } from './program.ts'

/** Runs Python that prints one JSON value, with the page's modules imported and `limn`, `given` there. */
async function python(limn: Parameters<Check>[0], code: string, given: object = {}): Promise<any> {
  const program = `
import json, os
from itertools import islice
from limn import Limn
from operations import *
limn = Limn(os.environ["LIMN_URL"], os.environ["LIMN_KEY"])
given = json.loads(os.environ["GIVEN"])
${code}`
  const { stdout } = await promisify(execFile)('python3', ['-c', program], {
    cwd: path.resolve('test/clients/python'),
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: '1',
      LIMN_URL: limn.graphql,
      LIMN_KEY: limn.key,
      GIVEN: JSON.stringify(given),
    },
  })
  return JSON.parse(stdout)
}

export default {
  missing: missing('python3'),
  checks: {
    async queries(limn) {
      const id = limn.ids.get('cake.webp')
      const query = 'query ($id: ID!) { node(id: $id) { id ... on Asset { name tags } } }'
      const answer = await python(limn, 'print(json.dumps(limn.ask(given["query"], {"id": given["id"]})))', {
        query,
        id,
      })
      assert.deepEqual(answer, { data: { node: { id, name: 'cake.webp', tags: ['cake', 'icon'] } } })
    },

    async pages(limn) {
      const code =
        'print(json.dumps([node["name"] for _, node in islice(search(limn, "birthday party", 4), given["count"])]))'
      assert.deepEqual(await python(limn, code, { count: party.length }), party)
      const all = await python(limn, 'print(len(list(search(limn, "birthday party", 5))))')
      assert.ok(all >= samples.length)
    },

    async uploads(limn) {
      const image = Buffer.from(await (await newImage('x')).bytes()).toString('base64')
      const code = `
import base64
files = [("naïve \\"name\\".png", base64.b64decode(given["image"])), ("notes.txt", b"no image")]
print(json.dumps(add(limn, files, ["by Python"])))`
      const [added, refused] = await python(limn, code, { image })
      assert.deepEqual(
        [added.duplicate, added.asset.name, added.asset.tags],
        [false, 'naïve "name".png', ['by Python']],
      )
      assert.deepEqual([refused.index, refused.code], [1, 'UNSUPPORTED_FORMAT'])
    },

    async vectors(limn) {
      const numbers: number[] = await python(limn, 'print(json.dumps(list(vector(limn, "hot coffee"))))')
      assert.equal(numbers.length, 256)
      assert.ok(Math.abs(Math.hypot(...numbers) - 1) < 1e-3)
    },

    async subscriptions(limn) {
      const frames = await python(limn, 'print(json.dumps(list(draw(limn, **given))))', smallDrawing)
      assert.ok(frames.length >= 2)
      assert.deepEqual([frames.at(-1).status, frames.at(-1).step], ['DONE', smallDrawing.steps])
      assert.match(frames.at(-1).svg, /^<svg /)
    },

    async 'persisted documents'(limn) {
      const code = `
sent = []
post = limn._post
limn._post = lambda operation: sent.append("query" in operation) or post(operation)
names = [limn.ask_persisted(given["query"], {"id": id})["data"]["asset"]["name"] for id in given["ids"]]
print(json.dumps([names, sent]))`
      const query = 'query PythonPersisted($id: ID!) { asset(id: $id) { name } }'
      const ids = ['cake.webp', 'gift.webp'].map((name) => limn.ids.get(name))
      assert.deepEqual(await python(limn, code, { query, ids }), [
        ['cake.webp', 'gift.webp'],
        [false, true, false],
      ])
    },

    async 'partial errors'(limn) {
      const query = '{ models { id } search(prompt: "x", model: "nowhere") { nodes { id } } }'
      const { data, errors } = await python(limn, 'print(json.dumps(limn.ask(given["query"])))', { query })
      assert.deepEqual(data, { models: [{ id: 'limn-icons' }], search: null })
      assert.deepEqual(
        errors.map(({ path, extensions }: any) => [path, extensions.code]),
        [[['search'], 'MODEL_NOT_FOUND']],
      )
      // urllib raises HTTPError, which holds the answer.
      const stranger = await python(
        limn,
        'print(json.dumps(Limn(limn.url, "not the key").ask("{ models { id } }")))',
      )
      assert.equal(stranger.errors[0].extensions.code, 'UNAUTHENTICATED')
      const refused = await python(
        limn,
        `
try: next(draw(limn, **{**given, "steps": 0}))
except ValueError as error: print(json.dumps(str(error)))`,
        smallDrawing,
      )
      assert.match(refused, /steps/)
    },

    'the page': (limn) => pageWorks(limn, 'python3', ['python/main.py']),
  },
} satisfies Client
