import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSamples, type Sample, samplesFolder } from '../../../workers/ingest/samples/read.ts'
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
  const store = async ({ file, name, title, tags, collections }: Sample) => {
    const bytes = readFileSync(path.join(samplesFolder, file))
    const { row } = await assets().add({
      ...{ name, title, tags, collections, description: null, mimeType: 'image/webp' },
      ...{ contentHash: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
      ...{ width: 256, height: 256 },
    })
    return row
  }

  it('the samples are removed but for those whose labels somebody changed', async () => {
    const samples = await readSamples()
    const rows = []
    for (const sample of samples.slice(0, 4)) rows.push(await store(sample))
    const mine = rows[1]!
    await assets().update(mine.id, { tags: [...mine.tags, 'mine'] })
    const { status, out } = await limn('samples', 'remove', '--json')
    expect(status).toBe(0)
    const { removed, ...rest } = JSON.parse(out)
    expect(rest).toEqual({ kept: [{ id: mine.id, name: mine.name }], absent: samples.length - 4 })
    expect(new Set(removed)).toEqual(new Set([rows[0]!.id, rows[2]!.id, rows[3]!.id]))
    expect(await assets().count({ mimeTypes: ['image/webp'] })).toBe(1)
    expect(await assets().count({ ids })).toBe(4)
  })

  it('the samples that are absent are added, and the others stay as they are', async () => {
    const samples = await readSamples()
    for (const sample of samples.slice(3)) await store(sample)
    const { out } = await limn('samples', 'add')
    // One of the first three is there since the test before.
    expect(out).toBe(`2 sample images added, ${samples.length - 2} were there already, 0 failed\n`)
    expect(await assets().count({ tagsAll: ['mine'] })).toBe(1)
  })
})
