import { spawn } from 'node:child_process'
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../../prisma/open.ts'
import type { AssetRow } from '../../../prisma/types.ts'
import { type DatabasePlace, testPlace } from '../../support/database.ts'
import { picture, pictures } from '../../support/pictures.ts'

let place: DatabasePlace
let folder: string
let files: Buffer[]
beforeAll(async () => {
  place = await testPlace()
  folder = path.join(place.home, 'pictures')
  files = await pictures(5)
  put('a.png', files[0]!)
  put('animals/dogs/b.PNG', files[1]!)
  put('animals/copy of a.png', files[0]!)
  put('animals/c.png', files[2]!)
  put('.hidden.png', files[3]!)
  put('.cache/d.png', files[3]!)
  put('notes.txt', Buffer.from('no picture'))
  put('broken.jpg', Buffer.from('a text that is called a picture'))
  symlinkSync('..', path.join(folder, 'animals', 'loop'))
  symlinkSync('nowhere', path.join(folder, 'dangling.png'))
})
afterAll(() => place?.remove())

function put(name: string, bytes: Buffer): void {
  const file = path.join(folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

function limn(...args: string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['api/limn.ts', ...args], {
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
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, ...said })))
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
  expect(first.out).toMatch(/5 pictures in .* \(1 other file passed over\)/)
  expect(first.out).toMatch(/3 added, 1 already there, 1 failed/)
  expect(first.err).toMatch(/broken\.jpg: .*not a picture/)
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
  put('broken.jpg', await picture({ format: 'jpeg' }))
  const db = await openDatabase({ home: place.home, url: place.url })
  await db.assets.delete([named('c.png')!.id])
  await db.close()
  const second = await limn('import', folder, '--collection', 'Trip', '--tag', 'summer')
  expect(second.out).toMatch(/3 added, 2 already there, 0 failed/)
  expect(second.status).toBe(0)
  expect((await stored()).length).toBe(5)
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
