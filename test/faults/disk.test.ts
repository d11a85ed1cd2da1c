/** A library whose disk is full, or whose folders and thumbnails somebody damaged. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StorageFull } from '../../workers/fs/storage-full.ts'
import { LocalLibrary } from '../../workers/ingest/local-library.ts'
import { uniform } from '../../workers/random.ts'
import { openTestDatabase } from '../support/database.ts'
import { testEncoder, testLibrary } from '../support/library.ts'

const random = uniform(7)

/** A PNG of noise of about `kilobytes`. */
async function noise(kilobytes: number): Promise<Buffer> {
  const edge = Math.ceil(Math.sqrt((kilobytes * 1024) / 3))
  const pixels = Uint8Array.from({ length: edge * edge * 3 }, () => random() * 256)
  return sharp(pixels, { raw: { width: edge, height: edge, channels: 3 } })
    .png()
    .toBuffer()
}

/** A folder on a disk of its own; null where mounting is not allowed. */
function smallDisk(megabytes: number): string | null {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return null
  }
}

let disk: string | null
beforeEach(() => {
  disk = smallDisk(4)
})
afterEach(() => {
  if (!disk) return
  execFileSync('umount', [disk])
  rmSync(disk, { recursive: true })
})

const files = (home: string) =>
  globSync('{files,drafts,thumbnails,journal}/**/*', { cwd: home, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(home, path.join(entry.parentPath, entry.name)))

it('an image that does not fit on the disk is refused and leaves nothing behind', async (context) => {
  if (!disk) return context.skip('mounting a small disk takes root')
  const { db, close } = await openTestDatabase()
  const encoder = testEncoder(mkdtempSync(path.join(os.tmpdir(), 'limn-disk-cache-')))
  const open = () => LocalLibrary.open({ database: db, encoder, catalogue: encoder, home: disk! })
  let library = await open()
  const filler = path.join(disk, 'filler')
  const [large, small] = [await noise(900), await noise(100)]
  const { asset } = await library.add({ bytes: await noise(600) })
  await library.idle()
  const before = files(disk)
  writeFileSync(filler, Buffer.alloc(2_800_000))
  const refusal: StorageFull = await library.add({ bytes: large }).then(
    () => expect.unreachable(),
    (error) => error,
  )
  expect(refusal).toBeInstanceOf(StorageFull)
  expect(refusal.message).toMatch(
    /^The disk of \S+limn-disk-\S+ is full: nothing was stored\. Make room there/,
  )
  // But for its mark, with which the next start would clean up.
  expect(files(disk).filter((file) => !file.startsWith('journal'))).toEqual(before)
  expect(await db.assets.count()).toBe(1)
  const room = 40_000
  rmSync(filler)
  const { bavail, bsize } = (await import('node:fs')).statfsSync(disk)
  writeFileSync(filler, Buffer.alloc(bavail * bsize - room))
  await expect(library.openThumbnail(asset, 512)).rejects.toThrow(StorageFull)
  expect(files(disk).filter((file) => !file.startsWith('journal'))).toEqual(before)

  rmSync(filler)
  for (const bytes of [large, small]) expect((await library.add({ bytes })).duplicate).toBe(false)
  const thumbnail = await library.openThumbnail(asset, 512)
  thumbnail!.stream.destroy()
  await library.idle()
  await library.close()
  library = await open()
  expect(files(disk).filter((file) => /^(journal|drafts)/.test(file))).toEqual([])
  await library.close()
  await encoder.close()
  await close()
})

it('folders that somebody removed are made again while the server runs', async () => {
  const { library, home, database, close } = await testLibrary()
  for (const folders of [
    ['drafts'],
    ['thumbnails'],
    ['journal'],
    ['files', 'drafts', 'thumbnails', 'journal'],
  ]) {
    for (const folder of folders) rmSync(path.join(home, folder), { recursive: true, force: true })
    const { asset } = await library.add({ bytes: await noise(20) })
    const thumbnail = await library.openThumbnail(asset, 64)
    thumbnail!.stream.destroy()
    await library.idle()
    expect((await database.assets.byIds([asset.id])).get(asset.id)!.status).toBe('READY')
  }
  await close()
})

it.each<[string, (file: string) => void]>([
  ['empty', (file) => truncateSync(file)],
  ['cut', (file) => truncateSync(file, readFileSync(file).length / 2)],
  ['full of zeros', (file) => writeFileSync(file, Buffer.alloc(readFileSync(file).length))],
])('a thumbnail that a crash of the machine left %s is made again', async (_name, damage) => {
  const opened = await testLibrary()
  const { asset } = await opened.library.add({ bytes: await noise(60) })
  const read = async () => {
    const { stream } = (await opened.library.openThumbnail(asset, 64))!
    return text(stream.setEncoding('latin1'))
  }
  const whole = await read()
  const [file] = globSync('thumbnails/*/*/64.webp', { cwd: opened.home })
  damage(path.join(opened.home, file!))
  await opened.reopen()
  expect(await read()).toBe(whole)
  await opened.close()
})
