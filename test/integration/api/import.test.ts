import { spawn } from 'node:child_process'
import { globSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
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

it('an import adds a folder tree, lists failures, and has little to do the second time', async () => {
  const first = await limn('import', folder, '--collection', 'Trip', '--tag', 'summer')
  expect(first.out).toMatch(/5 images in .* \(1 other file skipped\)/)
  expect(first.out).toMatch(/3 added, 1 already there, 1 failed/)
  expect(first.err).toMatch(/broken\.jpg: .*not an image/)
  expect(first.status).toBe(1)
  const rows = await stored()
  const named = (name: string) => rows.find((row) => row.name === name)
  expect(named('b.PNG')).toMatchObject({
    collection: 'Trip',
    status: 'READY',
    tags: ['summer', 'animals', 'dogs'],
  })
  expect(named('c.png')).toMatchObject({ tags: ['summer', 'animals'] })
  expect(rows.length).toBe(3)

  // One that changed, one whose asset is gone, and none that fails.
  put('a.png', files[4]!)
  utimesSync(path.join(folder, 'a.png'), new Date(), new Date())
  put('broken.jpg', await testImage({ format: 'jpeg' }))
  const db = await openDatabase({ home: place.home, url: place.url })
  await db.assets.delete([named('c.png')!.id])
  await db.close()
  const second = await limn('import', folder, '--collection', 'Trip', '--tag', 'summer')
  expect(second.out).toMatch(/3 added, 2 already there, 0 failed/)
  expect(second.status).toBe(0)
  expect((await stored()).length).toBe(5)
})

it('an interrupted import ends in order, and continues when it is run again', async () => {
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
  expect(err).toMatch(/Ending after the requests under way/)
  const [, added, left] = /(\d+) added[\s\S]*Interrupted with (\d+) to go/.exec(out)!
  expect(Number(added) + Number(left)).toBe(300)
  expect(Number(left)).toBeGreaterThan(0)
  expect(status).toBe(130)
  const again = await limn('import', manyFolder)
  expect(again.out).toContain(`${left} added, ${added} already there, 0 failed`)
  expect(again.status).toBe(0)
})

it('the command says what is wrong with its arguments', async () => {
  expect(await limn('import')).toMatchObject({ status: 2, err: expect.stringMatching(/Give one folder/) })
  expect(await limn('import', path.join(folder, 'missing'))).toMatchObject({
    status: 2,
    err: expect.stringMatching(/is not a folder/),
  })
  expect(await limn('import', folder, '--nonsense')).toMatchObject({ err: expect.stringMatching(/nonsense/) })
})

it('an import gives up on a server that does not answer, and says how to continue', async () => {
  const gone = await limn('import', folder, '--url', 'http://127.0.0.1:9')
  expect(gone.err).toMatch(/does not answer.*\n.*again to continue/)
  expect(gone.status).toBe(1)
})
