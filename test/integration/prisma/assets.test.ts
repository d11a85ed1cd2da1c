import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AssetFilter, AssetRow, Database, NewAsset } from '../../../prisma/types.ts'
import { openTestDatabase } from '../../support/database.ts'

let db: Database
let close: () => Promise<void>
let serial = 0

const image = (fields: Partial<NewAsset> = {}): NewAsset => ({
  contentHash: `hash-${serial++}`,
  name: 'image.png',
  title: null,
  description: null,
  tags: [],
  collections: [],
  mimeType: 'image/png',
  bytes: 100,
  width: 64,
  height: 64,
  ...fields,
})
const add = async (fields: Partial<NewAsset> = {}): Promise<AssetRow> =>
  (await db.assets.add(image(fields))).row
const names = async (where: AssetFilter) => {
  const { rows } = await db.assets.page({ where, first: 100 })
  return rows.map(({ name }) => name).sort()
}

beforeAll(async () => {
  const opened = await openTestDatabase()
  db = opened.db
  close = opened.close
})
afterAll(() => close())

describe('assets', () => {
  it('an asset is added once per content, also when many add the same at once', async () => {
    const same = image({ name: 'same.png', tags: ['a', 'b'] })
    const added = await Promise.all(Array.from({ length: 12 }, () => db.assets.add(same)))
    expect(added.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(added.map(({ row }) => row.id)).size).toBe(1)
    expect(added[0]!.row).toMatchObject({ ...same, status: 'PENDING', error: null })
    expect(Math.abs(added[0]!.row.createdAt.getTime() - Date.now())).toBeLessThan(120_000)
    const again = await db.assets.byHashes([same.contentHash, 'none'])
    expect([...again.keys()]).toEqual([same.contentHash])
    expect(again.get(same.contentHash)).toEqual(added[0]!.row)
  })

  it('an update changes the given fields of an asset, and null clears one', async () => {
    const { id } = await add({ title: 'old', description: 'kept', tags: ['x'], collections: ['c'] })
    expect(await db.assets.update(id, { title: null, tags: ['y', 'z'] })).toMatchObject({
      title: null,
      description: 'kept',
      tags: ['y', 'z'],
      collections: ['c'],
    })
    expect(await db.assets.update('asset_none', { title: 'x' })).toBeNull()
  })

  it('many updates at once leave out the rows whose labels have changed meanwhile', async () => {
    const [one, two, gone] = [await add({ tags: ['a'] }), await add({ title: 'T' }), await add()]
    await db.assets.update(two!.id, { title: 'changed' })
    await db.assets.delete([gone!.id])
    const changes = [one!, two!, gone!].map((row) => ({ row, patch: { tags: ['b "c"', '\\'], title: null } }))
    const updated = await db.assets.updateEach(changes)
    const [{ updatedAt }] = updated as [AssetRow]
    expect(updated).toEqual([{ ...one, tags: ['b "c"', '\\'], title: null, updatedAt }])
    expect((await db.assets.byIds([two!.id])).get(two!.id)?.title).toBe('changed')
    expect(await db.assets.updateEach([])).toEqual([])
  })

  it('deleted assets take their vectors along and are returned', async () => {
    await db.vectors.register({ revision: 'gone', name: 'gone', dimensions: 2 })
    const { id } = await add({ name: 'goes.png' })
    await db.vectors.put('gone', [{ assetId: id, vector: Float32Array.of(1, 0) }])
    expect((await db.assets.delete([id, 'asset_none'])).map(({ name }) => name)).toEqual(['goes.png'])
    expect((await db.assets.byIds([id])).size).toBe(0)
    expect((await db.vectors.get('gone', [id])).size).toBe(0)
  })
})

const place = (id: string) => ({ value: null, id })

describe('pages', () => {
  const where = { collections: ['paged'] }
  let ids: string[]

  beforeAll(async () => {
    ids = []
    for (let i = 0; i < 10; i++) ids.unshift((await add({ collections: ['paged'] })).id)
  })

  it('pages go through newest first, both ways', async () => {
    const first = await db.assets.page({ where, first: 4 })
    expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(0, 4))
    expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const second = await db.assets.page({ where, first: 6, after: place(ids[3]!) })
    expect(second.rows.map(({ id }) => id)).toEqual(ids.slice(4))
    expect(second).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const back = await db.assets.page({ where, last: 3, before: place(ids[4]!) })
    expect(back.rows.map(({ id }) => id)).toEqual(ids.slice(1, 4))
    expect(back).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
    const end = await db.assets.page({ where, last: 2 })
    expect(end.rows.map(({ id }) => id)).toEqual(ids.slice(-2))
    expect(end).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    await expect(db.assets.page({ where })).rejects.toThrow('Exactly one of first and last')
  })

  it('pages continue though images come in and the cursor’s own goes', async () => {
    const { rows } = await db.assets.page({ where, first: 3 })
    const cursor = rows.at(-1)!.id
    await add({ collections: ['paged'] })
    await db.assets.delete([cursor])
    const next = await db.assets.page({ where, first: 20, after: place(cursor) })
    expect(next.rows.map(({ id }) => id)).toEqual(ids.slice(3))
  })
})

describe('filters', () => {
  beforeAll(async () => {
    const collections = ['filtered']
    const takenAt = new Date('2024-05-06T07:08:09Z')
    const sized = { width: 100, height: 50, takenAt }
    await add({ collections, name: 'red-heart_01.svg', tags: ['icon', 'love'], ...sized })
    await add({
      collections,
      name: 'blueStarShape.png',
      title: 'A running star',
      tags: ['icon'],
      width: 50,
      height: 100,
    })
    await add({
      collections,
      name: 'haus.png',
      description: 'Ein grünes Haus am See',
      mimeType: 'image/webp',
    })
    await add({
      collections,
      name: 'the-who.jpg',
      tags: ['Band', 'Straße, "quoted" {NULL} \\', 'NULL'],
      mimeType: 'image/jpeg',
    })
  })
  const all = ['blueStarShape.png', 'haus.png', 'red-heart_01.svg', 'the-who.jpg']
  const only = (where: AssetFilter) => names({ collections: ['filtered'], ...where })

  it.each<[AssetFilter, string[]]>([
    [{ tagsAll: ['icon', 'love'] }, ['red-heart_01.svg']],
    [{ tagsAny: ['love', 'band'] }, ['red-heart_01.svg', 'the-who.jpg']],
    [{ tagsAll: ['ICON', 'Love'] }, ['red-heart_01.svg']],
    [{ tagsAny: ['LOVE', 'straße, "QUOTED" {null} \\'] }, ['red-heart_01.svg', 'the-who.jpg']],
    [{ tagsAny: ['null'] }, ['the-who.jpg']],
    [{ tagsAll: [] }, ['blueStarShape.png', 'haus.png', 'red-heart_01.svg', 'the-who.jpg']],
    [{ tagsAny: [] }, []],
    [{ ids: [] }, []],
    [{ mimeTypes: ['Image/WebP', 'image/jpeg'] }, ['haus.png', 'the-who.jpg']],
    [{ orientation: 'LANDSCAPE' }, ['red-heart_01.svg']],
    [{ orientation: 'PORTRAIT' }, ['blueStarShape.png']],
    [{ orientation: 'SQUARE' }, ['haus.png', 'the-who.jpg']],
    [{ minWidth: 64, minHeight: 50 }, ['haus.png', 'red-heart_01.svg', 'the-who.jpg']],
    [{ tagsNone: ['ICON', 'none'] }, ['haus.png', 'the-who.jpg']],
    [{ tagsNone: [] }, all],
    [{ untagged: true }, ['haus.png']],
    [{ untagged: false }, ['blueStarShape.png', 'red-heart_01.svg', 'the-who.jpg']],
    [{ collectionsNone: ['Filtered'] }, []],
    [{ collectionsNone: ['elsewhere'] }, all],
    [{ inNoCollection: true }, []],
    [{ inNoCollection: false }, all],
    [{ status: ['READY', 'FAILED'] }, []],
    [{ status: ['PENDING'] }, all],
    [{ minAspect: 1.5, maxAspect: 2 }, ['red-heart_01.svg']],
    [{ maxAspect: 0.5 }, ['blueStarShape.png']],
    [{ minBytes: 101 }, []],
    [{ minBytes: 100, maxBytes: 100 }, all],
    [{ takenAfter: new Date('2024-01-01') }, ['red-heart_01.svg']],
    [{ not: { takenAfter: new Date('2024-01-01') } }, ['blueStarShape.png', 'haus.png', 'the-who.jpg']],
    [{ takenBefore: new Date('2024-01-01') }, []],
    [{ or: [{ orientation: 'PORTRAIT' }, { tagsAny: ['band'] }] }, ['blueStarShape.png', 'the-who.jpg']],
    [{ or: [] }, []],
    [{ or: [{}, { ids: [] }] }, all],
    [{ and: [{ tagsAny: ['icon'] }, { not: { tagsAny: ['love'] } }, {}] }, ['blueStarShape.png']],
    [{ and: [] }, all],
    [{ not: {} }, []],
    [{ not: { not: { untagged: true } } }, ['haus.png']],
    [{ contentHashes: ['none'] }, []],
    [{ createdAfter: new Date(Date.now() + 3_600_000) }, []],
    [{ createdBefore: new Date(Date.now() - 3_600_000) }, []],
    [{ tagsAny: ['icon'], orientation: 'PORTRAIT' }, ['blueStarShape.png']],
  ])('the filter %j keeps exactly its images', async (where, expected) => {
    expect(await only(where)).toEqual(expected)
  })

  it.each<[string[], string[]]>([
    [['nested'], ['a', 'ab', 'abc', 'other']],
    [['Nested/Ä'], ['a', 'ab', 'abc']],
    [['NESTED/ä/b'], ['ab', 'abc']],
    [
      ['nested/ä/b/c', 'second'],
      ['abc', 'other'],
    ],
    [['nested/ä/b/c/d'], []],
    [['nest'], []],
    [[''], []],
    [[], []],
  ])('the collections %j keep what is in them and below them', async (collections, expected) => {
    if ((await db.assets.count({ collections: ['nested'] })) === 0) {
      await add({ name: 'a', collections: ['Nested/Ä'] })
      await add({ name: 'ab', collections: ['nested/ä/b'] })
      await add({ name: 'abc', collections: ['Elsewhere', 'Nested/Ä/B/c'] })
      await add({ name: 'other', collections: ['Nested/Äb', 'Second'] })
    }
    expect(await names({ collections })).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['heart', ['red-heart_01.svg']],
    ['red-heart', ['red-heart_01.svg']],
    ['hearts', ['red-heart_01.svg']],
    ['LOVE', ['red-heart_01.svg']],
    ['star', ['blueStarShape.png']],
    ['blueStarShape', ['blueStarShape.png']],
    ['run', ['blueStarShape.png']],
    ['grünes haus', ['haus.png']],
    ['"am see"', ['haus.png']],
    ['"haus grünes"', []],
    ['the who', ['the-who.jpg']],
    ['haus or heart', ['haus.png', 'red-heart_01.svg']],
    ['icon -heart', ['blueStarShape.png']],
    ['shape -hearts', ['blueStarShape.png']],
    ['svg -hearts', []],
    ['nothing', []],
    ['!!! ???', []],
    ['\'; DROP TABLE "Asset" --', []],
    ['   ', ['blueStarShape.png', 'haus.png', 'red-heart_01.svg', 'the-who.jpg']],
  ])('the text "%s" finds exactly its images', async (text, expected) => {
    expect(await only({ text })).toEqual(expected)
  })
})
