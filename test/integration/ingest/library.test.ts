import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../../prisma/types.ts'
import { checkFiles } from '../../../workers/ingest/check-files.ts'
import type { StoredImage } from '../../../workers/ingest/file-store.ts'
import { FolderStore } from '../../../workers/ingest/folder-store.ts'
import { cosine } from '../../support/cosine.ts'
import { svg, testImage, testImages } from '../../support/images.ts'
import { type TestLibrary, testEncoder, testLibrary } from '../../support/library.ts'
import { modelTwin } from '../../support/server.ts'

let place: TestLibrary
beforeAll(async () => {
  place = await testLibrary()
})
afterEach(() => place?.empty())
afterAll(() => place?.close())

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
/** Everything of the library that lies on disk, by name. */
const onDisk = () => globSync('{files,thumbnails,journal,drafts}/**/*.*', { cwd: place.home }).sort()
const marks = () => globSync('journal/*', { cwd: place.home })
const revision = async () => (await place.encoder.get()).card.revision
const thumbnail = async (asset: StoredImage, size: number) =>
  buffer((await place.library.openThumbnail(asset, size))!.stream)
const statusOf = async (id: string) => (await place.database.assets.byIds([id])).get(id)?.status

describe('adding an image', () => {
  it('an image that is added keeps its bytes, gets a row and, soon, a vector', async () => {
    const bytes = await testImage({ format: 'jpeg' })
    const { asset, duplicate } = await place.library.add({
      bytes,
      name: 'disc.jpg',
      tags: ['Red', 'red '],
      title: 'A disc',
    })
    expect(duplicate).toBe(false)
    expect(asset).toMatchObject({
      contentHash: hashOf(bytes),
      name: 'disc.jpg',
      title: 'A disc',
      tags: ['Red'],
      mimeType: 'image/jpeg',
      bytes: bytes.length,
      width: 96,
      height: 96,
    })
    expect(readFileSync(place.filePath(asset))).toEqual(bytes)
    expect(marks()).toEqual([])
    await place.library.idle()
    expect(await statusOf(asset.id)).toBe('READY')
    const [encoded] = await place.encoder.encode([{ image: bytes }])
    const stored = await place.database.vectors.get(await revision(), [asset.id])
    expect(cosine(stored.get(asset.id)!, (encoded as { vector: Float32Array }).vector)).toBeGreaterThan(
      0.9999,
    )
  })

  it('the library knows an image that comes again, also at the same time', async () => {
    const bytes = await testImage()
    const added = await Promise.all(
      Array.from({ length: 8 }, () => place.library.add({ bytes, name: 'same' })),
    )
    expect(new Set(added.map(({ asset }) => asset.id)).size).toBe(1)
    expect(added.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(await place.library.add({ bytes })).toMatchObject({ duplicate: true, asset: { name: 'same' } })
    expect(onDisk()).toHaveLength(1)
  })

  it('an image that cannot be used leaves nothing behind', async () => {
    const whole = await testImage()
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.from('a text'), Buffer.alloc(0)])
      await expect(place.library.add({ bytes })).rejects.toMatchObject({ name: 'ItemError' })
    expect(await place.database.assets.count()).toBe(0)
    expect(onDisk()).toEqual([])
    expect(marks()).toEqual([])
  })

  it('title, description and keywords come from the file where the caller gives none', async () => {
    const drawing = (n: number) =>
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="${n}" height="20"><title>House</title><desc>With a door</desc></svg>`,
      )
    const own = await place.library.add({ bytes: drawing(20) })
    expect(own.asset).toMatchObject({ title: 'House', description: 'With a door' })
    const given = await place.library.add({ bytes: drawing(21), title: 'Mine', description: '' })
    expect(given.asset).toMatchObject({ title: 'Mine', description: '' })
  })
})

describe('removing', () => {
  it('a removed image takes its file, thumbnails and vector along, and may come again', async () => {
    const [first, second] = await testImages(2)
    const { asset } = await place.library.add({ bytes: first! })
    const other = await place.library.add({ bytes: second! })
    await thumbnail(asset, 64)
    await place.library.idle()
    expect(await place.library.delete([asset.id, 'asset_unknown', asset.id])).toEqual([asset.id])
    expect(onDisk()).toEqual([path.relative(place.home, place.filePath(other.asset))])
    expect(await place.database.vectors.get(await revision(), [asset.id])).toEqual(new Map())
    expect(marks()).toEqual([])
    const again = await place.library.add({ bytes: first! })
    expect(again.duplicate).toBe(false)
    expect(existsSync(place.filePath(again.asset))).toBe(true)
  })
})

describe('after a process that died', () => {
  it('the row decides whether a marked image stays when the library is opened again', async () => {
    const [kept, orphan] = await testImages(2)
    const { asset } = await place.library.add({ bytes: kept! })
    await place.library.idle()
    const lost = { contentHash: hashOf(orphan!), mimeType: 'image/png', bytes: orphan!.length }
    const file = place.filePath(lost)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, orphan!)
    await thumbnail(lost, 64)
    writeFileSync(path.join(place.home, 'drafts', 'half.png'), 'half')
    for (const hash of [lost.contentHash, asset.contentHash, 'f'.repeat(64)])
      writeFileSync(path.join(place.home, 'journal', hash), '')
    await place.reopen()
    expect(marks()).toEqual([])
    expect(onDisk()).toEqual([path.relative(place.home, place.filePath(asset))])
    expect((await place.library.add({ bytes: orphan! })).duplicate).toBe(false)
  })

  it('an image whose row could not be written leaves a mark, and nothing after the next start', async () => {
    const { database } = place
    const failing: Database = {
      ...database,
      assets: new Proxy(database.assets, {
        get: (assets, name: keyof Database['assets']) =>
          name === 'add'
            ? () => Promise.reject(new Error('the database is gone'))
            : assets[name].bind(assets),
      }),
    }
    const bytes = await testImage()
    await place.reopen({ database: failing })
    await expect(place.library.add({ bytes })).rejects.toThrow('the database is gone')
    expect(marks()).toHaveLength(1)
    await place.reopen()
    expect(onDisk()).toEqual([])
    expect(marks()).toEqual([])
    await place.library.add({ bytes })
    await place.library.idle()
  })

  it('images that were added and not yet indexed get their vectors after a restart', async () => {
    const added = await Promise.all((await testImages(40)).map((bytes) => place.library.add({ bytes })))
    await place.library.close()
    await place.reopen()
    await place.library.idle()
    const ids = added.map(({ asset }) => asset.id)
    expect((await place.database.vectors.get(await revision(), ids)).size).toBe(40)
  })

  it('a stored file that was lost is put back when the image comes again', async () => {
    const bytes = await testImage()
    const { asset } = await place.library.add({ bytes })
    await place.library.idle()
    rmSync(place.filePath(asset))
    expect(await place.library.add({ bytes })).toMatchObject({ duplicate: true, asset: { id: asset.id } })
    expect(readFileSync(place.filePath(asset))).toEqual(bytes)
  })
})

describe('damaged files', () => {
  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 60)],
    ['changed', (bytes: Buffer) => Buffer.from(bytes).fill(7, 50, 60)],
  ])('a stored file that is %s is found, and repaired when the image comes again', async (_, damage) => {
    const [first, second] = await testImages(2)
    const { asset } = await place.library.add({ bytes: first! })
    await place.library.add({ bytes: second! })
    await place.library.idle()
    writeFileSync(place.filePath(asset), damage(first!))
    await expect(place.library.readFile(asset)).rejects.toThrow('damaged or cut short; add the image again')
    const check = () =>
      checkFiles({
        assets: place.database.assets,
        files: FolderStore.of(place.home),
        digestMs: 1_000,
        maxMs: 1_000,
      })
    expect(await check()).toMatchObject({
      images: 2,
      digested: 2,
      faults: [{ asset: { id: asset.id }, condition: 'damaged' }],
    })
    rmSync(place.filePath(asset))
    expect((await check()).faults).toMatchObject([{ condition: 'missing' }])
    writeFileSync(place.filePath(asset), damage(first!))
    expect(await place.library.add({ bytes: first! })).toMatchObject({
      duplicate: true,
      asset: { id: asset.id },
    })
    expect(readFileSync(place.filePath(asset))).toEqual(first)
    expect((await check()).faults).toEqual([])
  })

  it('a file of another size than its image is not handed out', async () => {
    const bytes = await testImage()
    const { asset } = await place.library.add({ bytes })
    await place.library.idle()
    writeFileSync(place.filePath(asset), bytes.subarray(0, 60))
    expect(await place.library.openFile(asset)).toBeNull()
  })

  it('a thumbnail that cannot be made is tried once, and again when the image was repaired', async () => {
    const bytes = await testImage()
    const { asset } = await place.library.add({ bytes })
    await place.library.idle()
    writeFileSync(place.filePath(asset), bytes.subarray(0, 60))
    await expect(place.library.openThumbnail(asset, 64)).rejects.toMatchObject({ code: 'UNREADABLE_IMAGE' })
    writeFileSync(place.filePath(asset), bytes)
    await expect(place.library.openThumbnail(asset, 64)).rejects.toMatchObject({ code: 'UNREADABLE_IMAGE' })
    rmSync(place.filePath(asset))
    await place.library.add({ bytes })
    expect(await thumbnail(asset, 64)).toBeDefined()
  })
})

describe('files', () => {
  it('a stored file is read whole or in part, and an absent one is null', async () => {
    const bytes = await testImage()
    const { asset } = await place.library.add({ bytes })
    const whole = (await place.library.openFile(asset))!
    expect(whole.size).toBe(bytes.length)
    expect(await buffer(whole.stream)).toEqual(bytes)
    const part = (await place.library.openFile(asset, { start: 4, end: 9 }))!
    expect(part.size).toBe(bytes.length)
    expect(await buffer(part.stream)).toEqual(bytes.subarray(4, 10))
    expect(await place.library.readFile(asset)).toEqual(bytes)
    const absent = { contentHash: 'f'.repeat(64), mimeType: 'image/png', bytes: 1 }
    expect(await place.library.openFile(absent)).toBeNull()
    expect(await place.library.readFile(absent)).toBeNull()
    expect(await place.library.openThumbnail(absent, 64)).toBeNull()
  })
})

describe('thumbnails', () => {
  it('thumbnails are made once, no larger than the image, upright, and drawn anew from drawings', async () => {
    const photo = await sharp({ create: { width: 400, height: 200, channels: 3, background: 'green' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const { asset } = await place.library.add({ bytes: photo })
    const copies = await Promise.all([1, 2, 3].map(() => thumbnail(asset, 320)))
    expect(copies[1]).toEqual(copies[0])
    expect(onDisk().filter((name) => name.startsWith('thumbnails'))).toHaveLength(1)
    expect(await sharp(copies[0]).metadata()).toMatchObject({ format: 'webp', width: 160, height: 320 })
    expect(await sharp(await thumbnail(asset, 1024)).metadata()).toMatchObject({ width: 200, height: 400 })
    const drawing = await place.library.add({ bytes: Buffer.from(svg({ size: 16 })) })
    const drawn = await thumbnail(drawing.asset, 512)
    const { data, info } = await sharp(drawn).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: 512, height: 512 })
    // Sharp: a row through the disc's edge has hardly any pixel between red and white.
    const row = Array.from({ length: 512 }, (_, x) => data[(256 * 512 + x) * 3 + 1]!)
    expect(row.filter((green) => green > 40 && green < 215).length).toBeLessThan(12)
    expect(onDisk().filter((name) => name.startsWith('drafts'))).toEqual([])
  })
})

describe('another default model', () => {
  it('another default model is announced, indexes everything anew and leaves the older vectors as they were', async () => {
    const added = await Promise.all((await testImages(3)).map((bytes) => place.library.add({ bytes })))
    await place.library.idle()
    const ids = added.map(({ asset }) => asset.id)
    const before = await place.database.vectors.get(await revision(), ids)
    modelTwin(place.home, 'other', { logit_scale_init_value: 1 })
    const encoder = await testEncoder(place.home, { model: 'other' })
    try {
      await place.reopen({ encoder })
      expect(place.complaints.join()).toMatch(
        /indexed with limn-icons \(256 dimensions\); its 3 images are now indexed with other/,
      )
      await place.library.idle()
      const { card: spec } = await encoder.get()
      expect((await place.database.vectors.get(spec.revision, ids)).size).toBe(3)
      expect(await place.database.vectors.get(await revision(), ids)).toEqual(before)
      expect(place.complaints).toHaveLength(1)
    } finally {
      await place.library.close()
      await encoder.close()
    }
  })
})

describe('vectors', () => {
  it('vectors are read where they are stored and made where they are not, for each model', async () => {
    const added = await Promise.all((await testImages(5)).map((bytes) => place.library.add({ bytes })))
    const assets = added.map(({ asset }) => asset)
    await place.library.idle()
    const before = place.encoder.stats()
    expect((await place.library.vectors(assets)).size).toBe(5)
    expect(place.encoder.stats()).toMatchObject({ encoded: before.encoded, cacheHits: before.cacheHits })
    modelTwin(place.home, 'twin', { logit_scale_init_value: 1 })
    const encoder = await testEncoder(place.home)
    try {
      await place.reopen({ encoder })
      expect(await place.library.ensureIndexed('twin')).toBe(false)
      const twins = await place.library.vectors(assets, 'twin')
      expect(twins.size).toBe(5)
      await place.library.idle()
      expect(await place.library.ensureIndexed('twin')).toBe(true)
      const { card: spec } = await encoder.get('twin')
      expect(
        (
          await place.database.vectors.get(
            spec.revision,
            assets.map(({ id }) => id),
          )
        ).size,
      ).toBe(5)
    } finally {
      await place.library.close()
      await encoder.close()
    }
  })
})
