import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readImageFile } from '../../../api/cli/import/read-file.ts'
import { openDatabase } from '../../../prisma/open.ts'
import type { AssetRow } from '../../../prisma/types.ts'
import { type DatabasePlace, testPlace } from '../../support/database.ts'
import { testImage, testImages } from '../../support/images.ts'

let place: DatabasePlace
let folder: string
let files: Buffer[]
beforeAll(async () => {
  place = await testPlace()
  folder = path.join(place.home, 'images')
  files = await testImages(5)
  put('a.png', files[0]!)
  put('animals/dogs/b.PNG', files[1]!)
  put('animals/copy of a.png', files[0]!)
  put('animals/c.png', files[2]!)
  put('.hidden.png', files[3]!)
  put('.cache/d.png', files[3]!)
  put('notes.txt', Buffer.from('no image'))
  put('broken.jpg', Buffer.from('a text that is called an image'))
  symlinkSync('..', path.join(folder, 'animals', 'loop'))
  symlinkSync('nowhere', path.join(folder, 'dangling.png'))
})
afterAll(() => place?.remove())

function put(name: string, bytes: Buffer): void {
  const file = path.join(folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

const limn = (...args: string[]) => start(...args).ended

function start(...args: string[]) {
  const child = spawn(process.execPath, ['api/limn.ts', ...args], {
    // A group of its own, as a terminal gives each command.
    detached: true,
    env: {
      PATH: process.env.PATH,
      LIMN_HOME: place.home,
      LIMN_LOG_LEVEL: 'warn',
      ...(place.url && { DATABASE_URL: place.url }),
    },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const ended = new Promise<{ status: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, ...said })),
  )
  return { child, ended }
}

async function stored(): Promise<AssetRow[]> {
  const db = await openDatabase({ home: place.home, url: place.url })
  try {
    return (await db.assets.page({ first: 100 })).rows
  } finally {
    await db.close()
  }
}

it('brings in a folder tree, says what failed, and has little to do the second time', async () => {
  const first = await limn('import', folder, '--collection', 'Trip', '--tag', 'summer')
  expect(first.out).toMatch(/5 images in .* \(1 other file passed over\)/)
  expect(first.out).toMatch(/passed over: 1 \.txt\n +left out: 2 hidden, 1 visited before/)
  expect(first.out).toMatch(/3 added, 1 already there, 2 failed/)
  expect(first.err).toMatch(/dangling\.png: The file is gone, or a link that leads nowhere/)
  expect(first.err).toMatch(/broken\.jpg: .*not an image/)
  expect(first.status).toBe(1)
  const rows = await stored()
  const named = (name: string) => rows.find((row) => row.name === name)
  expect(named('b.PNG')).toMatchObject({
    collections: ['Trip/animals/dogs'],
    status: 'READY',
    tags: ['summer', 'animals', 'dogs'],
  })
  expect(named('c.png')).toMatchObject({ tags: ['summer', 'animals'] })
  expect(rows.length).toBe(3)

  // One that changed, one whose asset is gone, and none that fails.
  put('a.png', files[4]!)
  utimesSync(path.join(folder, 'a.png'), new Date(), new Date())
  put('broken.jpg', await testImage({ format: 'jpeg' }))
  rmSync(path.join(folder, 'dangling.png'))
  const db = await openDatabase({ home: place.home, url: place.url })
  await db.assets.delete([named('c.png')!.id])
  await db.close()
  const second = await limn('import', folder, '--collection', 'Trip', '--tag', 'summer')
  expect(second.out).toMatch(/3 added, 2 already there, 0 failed/)
  expect(second.status).toBe(0)
  expect((await stored()).length).toBe(5)
})

it('ends in order when it is interrupted, and goes on when it is run again', async () => {
  // None of those that the library has from the first test: they would not be added.
  const many = (await testImages(300 + files.length)).slice(files.length)
  for (const [n, bytes] of many.entries()) put(`../many/${n % 3}/${n}.png`, bytes)
  const manyFolder = path.join(place.home, 'many')
  const taken = () => globSync('files/*/*', { cwd: place.home }).length
  const before = taken()
  const { child, ended } = start('import', manyFolder)
  while (taken() < before + 30 && child.exitCode === null) await sleep(10)
  // Ctrl-C: to the whole group, so to the database's process too.
  process.kill(-child.pid!, 'SIGINT')
  const { status, out, err } = await ended
  expect(err).toMatch(/Ending after what is on its way/)
  const [, added, left] = /(\d+) added[\s\S]*Interrupted with (\d+) to go/.exec(out)!
  expect(Number(added) + Number(left)).toBe(300)
  expect(Number(left)).toBeGreaterThan(0)
  expect(status).toBe(130)
  const again = await limn('import', manyFolder)
  expect(again.out).toContain(`${left} added, ${added} already there, 0 failed`)
  expect(again.status).toBe(0)
})

it('names every file with its outcome in a report, those whose names are not UTF-8 too', async () => {
  const image = (disc: string) => testImage({ disc, ground: 'grey' })
  const [one, two, three, four] = [
    await image('red'),
    await image('blue'),
    await image('lime'),
    await image('tan'),
  ]
  const kinds = path.join(place.home, 'kinds')
  const putBytes = (name: Buffer, content: Buffer) => {
    const file = Buffer.concat([Buffer.from(`${kinds}/`), name])
    mkdirSync(file.subarray(0, file.lastIndexOf('/')), { recursive: true })
    writeFileSync(file, content)
  }
  putBytes(Buffer.from('caf\xe9/na\xefve.png', 'latin1'), one)
  putBytes(Buffer.from('U\u0308bung/ /mac.png'), two)
  putBytes(Buffer.from('\u00dcbung/win.png'), three)
  putBytes(Buffer.from('Album1/p.png'), four)
  putBytes(Buffer.from('Album2/p.png'), four)
  for (const name of ['@eaDir/t.png', '#recycle/t.png', '__MACOSX/t.png', 'node_modules/t.png', 'Thumbs.db'])
    putBytes(Buffer.from(name), one)
  symlinkSync('circle.png', path.join(kinds, 'circle.png'))
  const report = path.join(place.home, 'report.jsonl')
  const { status, out, err } = await limn('import', kinds, '--report', report)
  expect(out).toMatch(/5 images in/)
  expect(out).toMatch(/left out: 5 of the system/)
  expect(out).toMatch(/4 added, 1 already there, 1 failed\n +1 of those already there took new labels/)
  expect(err).toMatch(/circle\.png: The file is a link that leads in a circle/)
  expect(status).toBe(1)
  const lines = readFileSync(report, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const outcomes = Object.fromEntries(lines.map((line) => [path.relative(kinds, line.path), line.outcome]))
  expect(outcomes).toMatchObject({
    'café/naïve.png': 'added',
    'circle.png': 'failed',
    '@eaDir': 'skipped',
  })
  // The same bytes in one request: either may be stored first.
  expect([outcomes['Album1/p.png'], outcomes['Album2/p.png']].toSorted()).toEqual(['added', 'labelled'])
  expect(lines).toHaveLength(11)
  expect(lines.filter(({ id }) => id !== null)).toHaveLength(5)
  const rows = await stored()
  const tagsOf = (name: string) => rows.find((row) => row.name === name)?.tags
  expect(tagsOf('naïve.png')).toEqual(['café'])
  expect(tagsOf('mac.png')).toEqual(['Übung'])
  expect(tagsOf('win.png')).toEqual(['Übung'])
  expect(tagsOf('p.png')?.toSorted()).toEqual(['Album1', 'Album2'])
  // Labels that are given later reach images that were sent before.
  const again = await limn('import', path.join(kinds, 'Album1'), '--collection', 'Later')
  expect(again.status).toBe(0)
  expect((await stored()).find((row) => row.name === 'p.png')?.collections).toEqual(
    expect.arrayContaining(['Later']),
  )
})

it.skipIf(process.getuid?.() === 0)('goes on past a file and a folder that may not be read', async () => {
  const locked = path.join(place.home, 'locked')
  for (const name of ['a.png', 'b.png', 'inner/c.png']) put(`../locked/${name}`, files[0]!)
  chmodSync(path.join(locked, 'b.png'), 0)
  chmodSync(path.join(locked, 'inner'), 0)
  const { status, out, err } = await limn('import', locked)
  chmodSync(path.join(locked, 'inner'), 0o755)
  expect(out).toMatch(/2 failed/)
  expect(err).toMatch(/b\.png: The file may not be read/)
  expect(err).toMatch(/inner: The folder may not be read/)
  expect(status).toBe(1)
})

it('a file that grows while it is read fails by itself', async () => {
  const file = path.join(place.home, 'growing.png')
  writeFileSync(file, files[0]!)
  const image = { path: Buffer.from(file), relative: 'growing.png', size: files[0]!.length, mtimeMs: 0 }
  expect(await readImageFile(image, 1e6)).toEqual({ bytes: files[0] })
  const writer = setInterval(() => appendFileSync(file, Buffer.alloc(1000)), 1)
  const large = Buffer.alloc(30_000_000)
  writeFileSync(file, large)
  const result = await readImageFile(image, 1e9)
  clearInterval(writer)
  expect(result).toEqual({ failed: expect.stringMatching(/changes while it is read/) })
  expect(await readImageFile(image, 1000)).toEqual({ failed: expect.stringMatching(/at most 1000/) })
})

it('says what is wrong with its arguments', async () => {
  expect(await limn('import')).toMatchObject({ status: 2, err: expect.stringMatching(/Give one folder/) })
  expect(await limn('import', path.join(folder, 'missing'))).toMatchObject({
    status: 2,
    err: expect.stringMatching(/is no folder/),
  })
  expect(await limn('import', folder, '--nonsense')).toMatchObject({ err: expect.stringMatching(/nonsense/) })
})

it('gives up on a server that does not answer, and says how to go on', async () => {
  const gone = await limn('import', folder, '--url', 'http://127.0.0.1:9')
  expect(gone.err).toMatch(/does not answer.*\n.*again to go on/)
  expect(gone.status).toBe(1)
})
