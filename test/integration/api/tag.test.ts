import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSamples, samplesFolder } from '../../../workers/ingest/seed/samples.ts'
import { testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let ids: string[]
beforeAll(async () => {
  server = await testServer()
  ids = await addImages(server, await testImages(4), { tags: ['Draft'], collections: ['Inbox'] })
})
afterAll(() => server?.close())

/** Through the npm bin, as a user would. */
function limn(...args: string[]) {
  const child = spawn(process.execPath, [path.resolve('api/limn.js'), ...args, '--url', server.url], {
    env: { PATH: process.env.PATH, LIMN_LOG_LEVEL: 'warn' },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  return new Promise<{ status: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, ...said })),
  )
}
const assets = () => server.app.services.database.assets
const tagsOf = async (id: string) => (await assets().byIds([id])).get(id)?.tags
const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('limn tag', () => {
  it('images get tags and lose them by their ids, and one that is not there is named', async () => {
    const { status, out, err } = await limn(
      'tag',
      ids[0]!,
      'asset_none',
      '--add',
      'logo',
      '--remove',
      'DRAFT',
    )
    expect(out).toBe('1 image changed, 0 had it all already, 1 failed\n')
    expect(err).toContain('There is no asset "asset_none".')
    expect(status).toBe(1)
    expect(await tagsOf(ids[0]!)).toEqual(['logo'])
  })

  it('all images of a filter are changed, each with a line of JSON', async () => {
    const filter = ['--in', 'inbox', '--not-tagged', 'logo', '--where', '{"minWidth": 1}']
    const before = await limn('tag', ...filter, '--dry-run')
    expect(before).toMatchObject({ status: 0, out: '3 images\n' })
    const { status, out } = await limn('tag', ...filter, '--add', 'web', '--add-collection', 'Web', '--json')
    expect(status).toBe(0)
    const lines = jsonLines(out)
    expect(lines.map(({ id }) => id)).toEqual(ids.slice(1).toReversed())
    expect(lines[0]).toMatchObject({
      tags: ['Draft', 'web'],
      collections: ['Inbox', 'Web'],
      changed: true,
      error: null,
    })
  })

  it('a filter that the server refuses is told in its words', async () => {
    const { status, err } = await limn('tag', '--where', '{"minHeights": 1}', '--add', 'a')
    expect(err).toMatch(/minHeights/)
    expect(status).toBe(1)
  })
})

describe('limn samples', () => {
  it('the samples are added where they are absent and removed but for those that somebody changed', async () => {
    const samples = await readSamples()
    const absent = 3
    for (const { file, name, title, tags, collections } of samples.slice(absent)) {
      const bytes = readFileSync(path.join(samplesFolder, file))
      await assets().add({
        ...{ name, title, tags, collections, description: null, mimeType: 'image/webp' },
        ...{ contentHash: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
        ...{ width: 256, height: 256 },
      })
    }
    const added = await limn('samples', 'add')
    expect(added.out).toBe(
      `${absent} sample images added, ${samples.length - absent} were there already, 0 failed\n`,
    )
    const [mine] = (await assets().page({ where: { collections: [samples[0]!.collections[0]!] }, first: 1 }))
      .rows
    await assets().update(mine!.id, { tags: [...mine!.tags, 'mine'] })
    await assets().delete([
      (await assets().page({ where: { mimeTypes: ['image/webp'] }, first: 2 })).rows[1]!.id,
    ])
    const removed = await limn('samples', 'remove', '--json')
    expect(removed.status).toBe(0)
    const answer = JSON.parse(removed.out)
    expect(answer).toMatchObject({ kept: [{ id: mine!.id, name: mine!.name }], absent: 1 })
    expect(answer.removed).toHaveLength(samples.length - 2)
    expect(await assets().count({ mimeTypes: ['image/webp'] })).toBe(1)
    expect(await assets().count({ ids })).toBe(4)
  })
})
