import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let images: Buffer[]
beforeAll(async () => {
  server = await testServer()
  images = await testImages(12)
})
afterAll(() => server?.close())

const add = (collections: string[]) => addImages(server, [images.pop()!], { collections })
const collectionsOf = async (id: string) =>
  (await server.query('query ($id: ID!) { asset(id: $id) { collections } }', { id })).data.asset.collections
const change = async (input: object) => {
  const { data, errors } = await server.query(
    'mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) { asset { collections } userErrors { message } } }',
    { input },
  )
  expect(errors).toBeUndefined()
  return data.updateAsset
}
const rename = async (from: string, to: string) => {
  const { data, errors } = await server.query(
    `mutation ($input: RenameCollectionInput!) { renameCollection(input: $input) {
      collection moved remaining merged userErrors { field code message } } }`,
    { input: { from, to } },
  )
  expect(errors).toBeUndefined()
  return data.renameCollection
}
const count = async (...collections: string[]) =>
  (
    await server.query('query ($where: AssetWhere) { assets(where: $where) { totalCount } }', {
      where: { collections },
    })
  ).data.assets.totalCount

describe('updateAsset', () => {
  it('an image enters collections and leaves them with what lies below them', async () => {
    const [id] = await add(['Brand/Logos', ' brand // LOGOS ', 'Web'])
    expect(await collectionsOf(id!)).toEqual(['Brand/Logos', 'Web'])
    expect((await change({ id, addCollections: ['web', 'Print/2025'] })).asset.collections).toEqual([
      'Brand/Logos',
      'Web',
      'Print/2025',
    ])
    expect((await change({ id, removeCollections: ['BRAND', 'Print/2025/x'] })).asset.collections).toEqual([
      'Web',
      'Print/2025',
    ])
    expect((await change({ id, collections: null })).asset.collections).toEqual([])
  })

  it.each([
    ['too deep', { addCollections: ['a/'.repeat(17)] }, /17 levels deep; at most 16/],
    ['too long', { collections: ['x'.repeat(501)] }, /501 characters; at most 500/],
    ['blank', { addCollections: [' / '] }, /A collection is empty/],
    ['too many', { collections: Array.from({ length: 101 }, (_, n) => `c${n}`) }, /101 collections.*100/],
  ])('a collection that is %s is refused with the limit', async (_name, input, message) => {
    const [answer] = (await change({ id: 'asset_none', ...input })).userErrors
    expect(answer.message).toMatch(message)
  })
})

describe('renameCollection', () => {
  it('a collection moves with all below it, and others stay', async () => {
    const [top] = await add(['Tour'])
    const [below] = await add(['tour/2025/Live', 'Tourism', 'Best'])
    expect(await rename('TOUR', '/Archive / Tour ')).toEqual({
      collection: 'Archive/Tour',
      moved: 2,
      remaining: 0,
      merged: false,
      userErrors: [],
    })
    expect(await collectionsOf(top!)).toEqual(['Archive/Tour'])
    expect(await collectionsOf(below!)).toEqual(['Archive/Tour/2025/Live', 'Tourism', 'Best'])
    expect(await count('archive')).toBe(2)
    expect(await count('Tour')).toBe(0)
  })

  it('a collection may become one with another, and the answer says so', async () => {
    const [id] = await add(['Old/Icons', 'New/icons'])
    await add(['New'])
    expect(await rename('Old', 'New')).toMatchObject({ moved: 1, merged: true })
    expect(await collectionsOf(id!)).toEqual(['New/Icons'])
    expect(await count('New')).toBe(2)
  })

  it('the case of a name can be changed', async () => {
    const [id] = await add(['lower/Case'])
    expect(await rename('lower', 'Lower')).toMatchObject({ moved: 1, remaining: 0, merged: false })
    expect(await collectionsOf(id!)).toEqual(['Lower/Case'])
    expect(await rename('lower', 'Lower')).toMatchObject({ moved: 0, remaining: 0 })
  })

  it('an image whose path would be too deep stays and is named, and the others move', async () => {
    const [deep] = await add([`Deep/${'x/'.repeat(14)}x`])
    const [flat] = await add(['Deep/flat'])
    const answer = await rename('Deep', 'a/b')
    expect(answer).toMatchObject({ moved: 1, remaining: 1 })
    expect(answer.userErrors).toEqual([
      {
        field: ['input', 'to'],
        code: 'INVALID',
        message: expect.stringMatching(`^${deep}: .*17 levels deep`),
      },
    ])
    expect(await collectionsOf(flat!)).toEqual(['a/b/flat'])
  })

  it.each([
    ['an unknown one', 'Nowhere', 'Somewhere', 'from', 'NOT_FOUND', /no image in a collection "Nowhere"/],
    ['one into itself', 'New', 'new/inner', 'to', 'INVALID', /would move into itself/],
    ['one without a name', 'New', ' / ', 'to', 'INVALID', /A collection is empty/],
  ])('renaming %s is refused', async (_name, from, to, field, code, message) => {
    expect(await rename(from, to)).toMatchObject({
      collection: null,
      moved: 0,
      userErrors: [{ field: ['input', field], code, message: expect.stringMatching(message) }],
    })
  })
})
