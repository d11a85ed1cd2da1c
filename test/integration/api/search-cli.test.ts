// cspell:ignore walrsu
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let ids: string[]
let images: Buffer[]
beforeAll(async () => {
  server = await testServer()
  images = await testImages(3)
  ids = [
    ...(await addImages(server, images.slice(0, 1), {
      name: 'walrus.png',
      title: 'On ice',
      collections: ['Sea'],
    })),
    ...(await addImages(server, images.slice(1, 2), { name: 'beach.png', tags: ['walrus'] })),
    ...(await addImages(server, images.slice(2), { name: 'other.png' })),
  ]
  await server.app.services.database.words.idle()
})
afterAll(() => server?.close())

const run = promisify(execFile)
const limn = async (...args: string[]) => {
  const { stdout, stderr } = await run(process.execPath, ['api/limn.ts', ...args, '--url', server.url])
  return { out: stdout, err: stderr }
}

it('limn search prints a line for each image, the best first, and JSON for programs', async () => {
  const { out } = await limn('search', 'walrus', '--first', '2')
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)),
  ).toEqual([
    ['1', expect.any(String), 'words 1.00', 'walrus.png (On ice)', 'Sea', ids[0]],
    ['2', expect.any(String), expect.stringMatching(/^words 0\.\d\d$/), 'beach.png', ids[1]],
  ])
  const { hits, totalCount, pageInfo } = JSON.parse(
    (await limn('search', 'walrus -beach', '--mode', 'words', '--json')).out,
  )
  expect(hits).toMatchObject([{ id: ids[0], name: 'walrus.png', why: { cosine: null, words: 1 } }])
  expect({ totalCount, pageInfo }).toEqual({ totalCount: 1, pageInfo: { hasNextPage: false } })
})

it('limn search says what to look for instead where the library lacks a word', async () => {
  const { out, err } = await limn('search', 'walrsu', '--mode', 'words')
  expect(out).toContain('walrus.png')
  expect(err).toContain('Look for "walrus"')
})

it('limn search and limn similar take a file, and limn similar an id', async () => {
  const file = path.join(server.app.config.home, 'given.png')
  writeFileSync(file, images[2]!)
  const hits = async (...args: string[]): Promise<string[]> =>
    JSON.parse((await limn(...args, '--json')).out).hits.map(({ id }: { id: string }) => id)
  expect((await hits('search', '--file', file))[0]).toBe(ids[2])
  expect((await hits('similar', file))[0]).toBe(ids[2])
  expect((await hits('similar', ids[2]!)).sort()).toEqual([ids[0], ids[1]].sort())
  await expect(limn('similar', 'asset_none')).rejects.toMatchObject({
    stderr: expect.stringContaining('no image'),
  })
})
