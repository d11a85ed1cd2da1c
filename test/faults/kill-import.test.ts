import { createHash } from 'node:crypto'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from '../../prisma/open.ts'
import { uniform } from '../../workers/random.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { killGroup, type LimnProcess, LimnProcesses } from '../support/processes.ts'

const count = 2000
const kills = 10
const seed = Number(process.env.LIMN_TEST_SEED ?? Date.now() % 1_000_000)
const random = uniform(seed)

let work: string
let home: string
let database: TestDatabase
let hashes: Set<string>
let processes: LimnProcesses

beforeEach(async () => {
  console.log(`seed ${seed} (LIMN_TEST_SEED repeats it)`)
  work = mkdtempSync(path.join(os.tmpdir(), 'limn-kill-'))
  home = path.join(work, 'home')
  database = await testDatabase()
  await database.prepare(home)
  processes = new LimnProcesses(home, database.url)
  hashes = await makeImages(path.join(work, 'images'))
})
afterEach(async () => {
  processes?.killAll()
  await database?.close()
  rmSync(work, { recursive: true, force: true })
})

it('an import that is killed ten times loses, repeats and orphans nothing', {
  timeout: 1_200_000,
}, async () => {
  for (let n = 0; n < kills; n++) {
    const server = await processes.startServer()
    const importer = processes.limn(['import', path.join(work, 'images')])
    await untilFiles(stored().length + 20 + Math.floor(random() * 120), importer)
    await sleep(random() * 60)
    const victims = [[server], [server, importer], [importer]][Math.floor(random() * 3)]!
    for (const victim of victims) {
      // The server alone, or with the database process that it has beside it.
      if (random() < 0.5) killGroup(victim.child)
      else victim.child.kill('SIGKILL')
    }
    await Promise.all(victims.map(({ ended }) => ended))
    // A process that was spared must not be there when the next server starts.
    killGroup(importer.child)
    if (victims.includes(server)) await Promise.all([server.ended, importer.ended])
    else {
      server.child.kill('SIGTERM')
      expect(await server.ended, server.said()).toBe(0)
    }
  }

  const server = await processes.startServer()
  const importer = processes.limn(['import', path.join(work, 'images')])
  expect(await importer.ended, importer.said()).toBe(0)
  expect(importer.said()).toMatch(/ 0 failed/)
  server.child.kill('SIGTERM')
  expect(await server.ended, server.said()).toBe(0)

  const db = await openDatabase({ home, url: database.url })
  try {
    const rows = await db.assets.byHashes([...hashes])
    expect(rows.size).toBe(count)
    expect(await db.assets.count()).toBe(count)
    const assets = [...rows.values()]
    expect(assets.filter(({ status }) => status !== 'READY')).toEqual([])
    const [model, ...others] = await db.vectors.registered()
    expect(others).toEqual([])
    const ids = assets.map(({ id }) => id)
    const vectors = await db.vectors.get(model!.revision, ids)
    expect([...vectors.keys()].sort()).toEqual(ids.sort())
    expect(await db.vectors.missing(model!.revision, 1)).toEqual([])
  } finally {
    await db.close()
  }
  expect(stored()).toEqual([...hashes].map((hash) => `${hash.slice(0, 2)}/${hash.slice(2)}.png`).sort())
  expect(globSync('{journal,thumbnails}/**/*', { cwd: home })).toEqual([])
})

/** Everything in the file store, drafts too. */
const stored = () =>
  globSync('files/*/*', { cwd: home })
    .map((file) => file.split(path.sep).slice(1).join('/'))
    .sort()

async function untilFiles(wanted: number, importer: LimnProcess): Promise<void> {
  while (stored().length < Math.min(count, wanted)) {
    if (importer.child.exitCode !== null) throw new Error(importer.said())
    await sleep(10)
  }
}

/** Small images of noise in a tree of folders. */
async function makeImages(folder: string): Promise<Set<string>> {
  const found = new Set<string>()
  for (let n = 0; n < count; n++) {
    const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, () => random() * 256)
    const bytes = await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toBuffer()
    const file = path.join(folder, `set ${n % 7}`, `part ${n % 5}`, `${n}.png`)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, bytes)
    found.add(createHash('sha256').update(bytes).digest('hex'))
  }
  return found
}
