import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { svg, testImage, testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

const add = `mutation ($inputs: [AssetInput!]!) { addAssets(inputs: $inputs) {
  __typename
  ... on AddedAsset { duplicate asset { id name title description tags collection mimeType bytes width height contentHash status createdAt } }
  ... on InputError { index code message }
} }`
const image = (bytes: Buffer) => ({ base64: bytes.toString('base64') })
/** Ids of every page, from `first`/`after` or `last`/`before`. */
async function pages(direction: 'forward' | 'backward', size: number, where: object = {}): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  for (let more = true; more; ) {
    const variables: Record<string, unknown> =
      direction === 'forward' ? { first: size, after: cursor, where } : { last: size, before: cursor, where }
    const { data, errors } = await server.query(
      `query ($where: AssetWhere, $first: Int, $after: String, $last: Int, $before: String) {
        assets(where: $where, first: $first, after: $after, last: $last, before: $before) {
          edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      variables,
    )
    expect(errors).toBeUndefined()
    const { edges, pageInfo } = data.assets
    const found = edges.map((e: any) => e.node.id)
    if (direction === 'forward') ids.push(...found)
    else ids.unshift(...found)
    more = direction === 'forward' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage
    cursor = direction === 'forward' ? pageInfo.endCursor : pageInfo.startCursor
  }
  return ids
}

describe('addAssets', () => {
  it('addAssets adds images in order, marks duplicates and refuses other files', async () => {
    const png = await testImage({ disc: 'teal' })
    const { data } = await server.query(add, {
      inputs: [
        {
          image: image(png),
          name: 'teal.png',
          title: 'Teal disc',
          tags: ['disc', 'teal'],
          collection: 'discs',
        },
        { image: { base64: Buffer.from('no image').toString('base64') } },
        { image: { base64: Buffer.from(svg({ disc: 'navy' })).toString('base64') }, name: 'navy.svg' },
      ],
    })
    const [teal, none, navy] = data.addAssets
    expect(teal).toMatchObject({
      duplicate: false,
      asset: {
        name: 'teal.png',
        title: 'Teal disc',
        description: null,
        tags: ['disc', 'teal'],
        collection: 'discs',
        mimeType: 'image/png',
        bytes: png.length,
        width: 96,
        height: 96,
        contentHash: createHash('sha256').update(png).digest('hex'),
      },
    })
    expect(none).toMatchObject({ __typename: 'InputError', index: 1, code: 'UNSUPPORTED_FORMAT' })
    expect(navy.asset.mimeType).toBe('image/svg+xml')

    const again = await server.query(add, {
      inputs: [
        { image: image(png) },
        { image: { assetId: teal.asset.id } },
        { image: { assetId: 'asset_x' } },
      ],
    })
    expect(again.data.addAssets.map((r: any) => r.duplicate ?? r.code)).toEqual([true, true, 'NOT_FOUND'])
    expect(again.data.addAssets[0].asset.id).toBe(teal.asset.id)
  })

  it('addAssets keeps the names of uploads', async () => {
    const png = await testImage({ disc: 'olive' })
    const { data } = await server.upload(
      add,
      { inputs: [{ image: { upload: null } }] },
      {
        'inputs.0.image.upload': new File([new Uint8Array(png)], 'olive disc.png'),
      },
    )
    expect(data.addAssets[0].asset.name).toBe('olive disc.png')
  })

  it('addAssets names a text that is too long', async () => {
    const png = image(await testImage({ disc: 'plum' }))
    const { data } = await server.query(add, {
      inputs: [
        { image: png, title: 'x'.repeat(501) },
        { image: png, tags: Array.from({ length: 101 }, (_, n) => `t${n}`) },
        { image: png, tags: [' '] },
      ],
    })
    expect(data.addAssets.map((r: any) => r.code)).toEqual(['INVALID', 'INVALID', 'INVALID'])
    expect(data.addAssets[0].message).toMatch(/title has 501.*500/)
    const many = await server.query(add, { inputs: Array.from({ length: 65 }, () => ({ image: png })) })
    expect(many).toMatchObject({
      status: 200,
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/65.*64/),
    })
  })
})

describe('updateAsset', () => {
  it('updateAsset keeps absent fields and clears those that are null', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'gold' })], { title: 'Gold', tags: ['a'] })
    const update = (args: string) =>
      server.query(`mutation { updateAsset(id: "${id}", ${args}) { title description tags collection } }`)
    expect((await update('description: "shiny"')).data.updateAsset).toEqual({
      title: 'Gold',
      description: 'shiny',
      tags: ['a'],
      collection: null,
    })
    expect((await update('title: null, tags: ["b", "c"], collection: "metals"')).data.updateAsset).toEqual({
      title: null,
      description: 'shiny',
      tags: ['b', 'c'],
      collection: 'metals',
    })
  })
  it('updateAsset refuses an unknown asset and a long text', async () => {
    const unknown = await server.query('mutation { updateAsset(id: "asset_none", title: "x") { id } }')
    expect(unknown).toMatchObject({
      status: 200,
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('asset_none'),
    })
    const long = await server.query(
      'mutation ($t: String) { updateAsset(id: "asset_none", title: $t) { id } }',
      { t: 'x'.repeat(501) },
    )
    expect(long.message).toMatch(/501.*500/)
  })
})

describe('deleteAssets', () => {
  it('deleteAssets returns the ids that existed; nothing finds them afterwards', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'black' })])
    const { data } = await server.query('mutation ($ids: [ID!]!) { deleteAssets(ids: $ids) }', {
      ids: [id, 'asset_none'],
    })
    expect(data.deleteAssets).toEqual([id])
    const after = await server.query(`{ asset(id: "${id}") { id } node(id: "${id}") { id } }`)
    expect(after.data).toEqual({ asset: null, node: null })
  })
})

describe('assets', () => {
  let ids: string[]
  beforeAll(async () => {
    ids = await addImages(server, await testImages(23), { collection: 'paged', tags: ['paged'] })
  })

  it('assets pages through the library forwards and backwards, newest first', async () => {
    const where = { collections: ['paged'] }
    // Ids sort by time; several images are added at once.
    const newestFirst = ids.toSorted().toReversed()
    expect(await pages('forward', 5, where)).toEqual(newestFirst)
    expect(await pages('backward', 7, where)).toEqual(newestFirst)
  })

  it('assets filters the library', async () => {
    const count = async (where: object) => (await pages('forward', 50, where)).length
    expect(await count({ tagsAll: ['paged'] })).toBe(23)
    expect(await count({ tagsAll: ['paged', 'other'] })).toBe(0)
    expect(await count({ ids: ids.slice(0, 3) })).toBe(3)
    expect(await count({ collections: ['paged'], minWidth: 50 })).toBe(5)
    expect(await count({ collections: ['paged'], orientation: 'PORTRAIT' })).toBe(0)
    expect(await count({ collections: ['paged'], createdBefore: '2020-01-01T00:00:00Z' })).toBe(0)
  })

  it.each([
    ['first: 0', /first is 0/],
    ['first: 101', /first is 101.*100/],
    ['first: 1, last: 1', /either first or last/],
    ['after: "nonsense"', /not a cursor/],
    ['where: { createdAfter: "yesterday" }', /RFC 3339/],
    ['where: { tagsAny: ["a\\u0000"] }', /tagsAny holds a NUL/],
    [`where: { text: "${'x'.repeat(501)}" }`, /501.*500/],
  ])('assets refuses %s', async (args, message) => {
    const { code, message: said } = await server.query(`{ assets(${args}) { edges { cursor } } }`)
    expect(code).toBe('BAD_USER_INPUT')
    expect(said).toMatch(message)
  })

  it('a malformed id is the id of nothing', async () => {
    const { data, errors } = await server.query(
      '{ asset(id: "asset_\\u0000") { id } node(id: "a\\u0000") { id } assets(where: { ids: ["x"] }) { edges { cursor } } }',
    )
    expect(errors).toBeUndefined()
    expect(data).toEqual({ asset: null, node: null, assets: { edges: [] } })
  })

  it('an asset has absolute addresses and its stored embedding', async () => {
    const { data } = await server.query(
      `{ asset(id: "${ids[0]}") { url thumbnail(size: 100) embedding { dimensions modality contentHash model { id } } contentHash } }`,
    )
    const { asset } = data
    expect(asset.url).toBe(`${server.url}/files/${asset.contentHash}`)
    expect(asset.thumbnail).toBe(`${server.url}/files/${asset.contentHash}/thumbnail/128`)
    expect(asset.embedding).toEqual({
      dimensions: 256,
      modality: 'IMAGE',
      contentHash: asset.contentHash,
      model: { id: 'limn-icons' },
    })
  })

  it('the embeddings of a page are loaded without encoding', async () => {
    const { encoder } = server.app.services
    const before = encoder.stats().encoded
    const { data } = await server.query(
      '{ assets(first: 20) { edges { node { status embedding { vector } } } } }',
    )
    for (const { node } of data.assets.edges) expect(node.embedding !== null).toBe(node.status === 'READY')
    expect(encoder.stats().encoded).toBe(before)
  })
})
