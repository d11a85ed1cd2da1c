import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { svg, testImage, testImages } from '../../support/images.ts'
import { withChunks } from '../../support/metadata.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server?.close())

const addDocument = `mutation ($input: AddAssetsInput!) { addAssets(input: $input) {
  results {
    __typename
    ... on AddedAsset { duplicate asset { id name title description tags collections mimeType bytes width height contentHash indexStatus createdAt } }
    ... on InputError { index code message }
  }
  userErrors { field code message }
} }`
const add = (...assets: object[]) => server.query(addDocument, { input: { assets } })
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
    const { data } = await add(
      {
        image: image(png),
        name: 'teal.png',
        title: 'Teal disc',
        tags: ['disc', 'teal'],
        collections: ['discs'],
      },
      { image: { base64: Buffer.from('no image').toString('base64') } },
      { image: { base64: Buffer.from(svg({ disc: 'navy' })).toString('base64') }, name: 'navy.svg' },
    )
    const [teal, none, navy] = data.addAssets.results
    expect(teal).toMatchObject({
      duplicate: false,
      asset: {
        name: 'teal.png',
        title: 'Teal disc',
        description: null,
        tags: ['disc', 'teal'],
        collections: ['discs'],
        mimeType: 'image/png',
        bytes: png.length,
        width: 96,
        height: 96,
        contentHash: createHash('sha256').update(png).digest('hex'),
      },
    })
    expect(none).toMatchObject({ __typename: 'InputError', index: 1, code: 'UNSUPPORTED_FORMAT' })
    expect(navy.asset.mimeType).toBe('image/svg+xml')
    expect(data.addAssets.userErrors).toEqual([])

    const again = await add(
      { image: image(png) },
      { image: { assetId: teal.asset.id } },
      { image: { assetId: 'asset_x' } },
    )
    const { results } = again.data.addAssets
    expect(results.map((r: any) => r.duplicate ?? r.code)).toEqual([true, true, 'NOT_FOUND'])
    expect(results[0].asset.id).toBe(teal.asset.id)
  })

  it('addAssets keeps the names of uploads', async () => {
    const png = await testImage({ disc: 'olive' })
    const { data } = await server.upload(
      addDocument,
      { input: { assets: [{ image: { upload: null } }] } },
      { 'input.assets.0.image.upload': new File([new Uint8Array(png)], 'olive disc.png') },
    )
    expect(data.addAssets.results[0].asset.name).toBe('olive disc.png')
  })

  it('addAssets names a text that is too long', async () => {
    const png = image(await testImage({ disc: 'plum' }))
    const { data } = await add(
      { image: png, title: 'x'.repeat(501) },
      { image: png, tags: Array.from({ length: 201 }, (_, n) => `t${n}`) },
      { image: png, tags: [' '] },
    )
    const { results } = data.addAssets
    expect(results.map((r: any) => r.code)).toEqual(['INVALID', 'INVALID', 'INVALID'])
    expect(results[0].message).toMatch(/title has 501.*500/)
    const many = await add(...Array.from({ length: 65 }, () => ({ image: png })))
    expect(many.data.addAssets).toEqual({
      results: [],
      userErrors: [{ field: ['input', 'assets'], code: 'INVALID', message: expect.stringMatching(/65.*64/) }],
    })
  })

  it('an image that a fault of the server keeps out takes no other with it', async () => {
    const { library } = server.app.services
    const added = library.add.bind(library)
    library.add = async (given) => {
      if (given.title === 'unlucky') throw new Error('a fault')
      return added(given)
    }
    const { status, data, errors } = await add(
      { image: image(await testImage({ disc: 'coral' })) },
      { image: image(await testImage({ disc: 'khaki' })), title: 'unlucky' },
    ).finally(() => {
      library.add = added
    })
    expect(status).toBe(200)
    expect(data.addAssets.results).toEqual([expect.objectContaining({ duplicate: false }), null])
    expect(errors).toEqual([
      expect.objectContaining({
        path: ['addAssets', 'results', 1],
        extensions: expect.objectContaining({ code: 'INTERNAL' }),
      }),
    ])
  })
})

describe('updateAsset', () => {
  const update = async (input: object) => {
    const { data, errors } = await server.query(
      `mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) {
        asset { name title description tags collections } userErrors { field code message } } }`,
      { input },
    )
    expect(errors).toBeUndefined()
    return data.updateAsset
  }
  const texts = { title: 'Gold', tags: ['a'], name: 'gold.png' }

  it('updateAsset keeps absent fields and clears those that are null', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'gold' })], texts)
    expect(await update({ id, description: 'shiny' })).toEqual({
      asset: { name: 'gold.png', title: 'Gold', description: 'shiny', tags: ['a'], collections: [] },
      userErrors: [],
    })
    expect(
      (await update({ id, name: 'new.png', title: null, tags: ['b', 'c'], collections: ['metals'] })).asset,
    ).toEqual({
      name: 'new.png',
      title: null,
      description: 'shiny',
      tags: ['b', 'c'],
      collections: ['metals'],
    })
  })

  it('updateAsset replaces tags, then adds, then removes, regardless of case', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'silver' })], { tags: ['Sea', 'sky'] })
    const tags = async (input: object) => (await update({ id, ...input })).asset.tags
    expect(await tags({ addTags: ['sand', 'SKY'] })).toEqual(['Sea', 'sky', 'sand'])
    expect(await tags({ removeTags: ['sea', 'unknown'] })).toEqual(['sky', 'sand'])
    expect(await tags({ tags: ['x', 'y'], addTags: ['z'], removeTags: ['Y'] })).toEqual(['x', 'z'])
  })

  it('tags that two callers add at the same time are both kept', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'tan' })], { tags: ['first'] })
    const added = Array.from({ length: 8 }, (_, n) => `tag ${n}`)
    await Promise.all(added.map((tag) => update({ id, addTags: [tag] })))
    const { asset } = await update({ id })
    expect(asset.tags.toSorted()).toEqual(['first', ...added])
  })

  it.each([
    ['an unknown asset', { id: 'asset_none', title: 'x' }, 'id', 'NOT_FOUND', /asset_none/],
    ['a long title', { id: 'asset_none', title: 'x'.repeat(501) }, 'title', 'INVALID', /501.*500/],
    ['an empty tag', { id: 'asset_none', addTags: [' '] }, 'addTags', 'INVALID', /A tag is empty/],
  ])('updateAsset answers %s as a user error', async (_name, input, field, code, message) => {
    expect(await update(input)).toEqual({
      asset: null,
      userErrors: [{ field: ['input', field], code, message: expect.stringMatching(message) }],
    })
  })

  it('updateAsset refuses a blank name and too many tags', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'navy' })])
    for (const name of [null, ' '])
      expect((await update({ id, name })).userErrors[0].field).toEqual(['input', 'name'])
    const half = (prefix: string) => Array.from({ length: 110 }, (_, n) => `${prefix}${n}`)
    const { userErrors } = await update({ id, tags: half('a'), addTags: half('b') })
    expect(userErrors).toEqual([
      { field: ['input', 'addTags'], code: 'INVALID', message: expect.stringMatching(/220 tags.*200/) },
    ])
  })
})

describe('deleteAssets', () => {
  it('deleteAssets returns the ids that existed and names the others; nothing finds them afterwards', async () => {
    const [id] = await addImages(server, [await testImage({ disc: 'black' })])
    const { data } = await server.query(
      'mutation ($input: DeleteAssetsInput!) { deleteAssets(input: $input) { deletedIds userErrors { field code } } }',
      { input: { ids: [id, 'asset_none'] } },
    )
    expect(data.deleteAssets).toEqual({
      deletedIds: [id],
      userErrors: [{ field: ['input', 'ids', '1'], code: 'NOT_FOUND' }],
    })
    const after = await server.query(`{ asset(id: "${id}") { id } node(id: "${id}") { id } }`)
    expect(after.data).toEqual({ asset: null, node: null })
  })
})

describe('assets', () => {
  let ids: string[]
  beforeAll(async () => {
    ids = await addImages(server, await testImages(23), { collections: ['paged'], tags: ['paged'] })
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

  it('assets counts what matches, on all pages', async () => {
    const { data } = await server.query(
      '{ paged: assets(first: 2, where: { collections: ["paged"] }) { totalCount nodes { id } } all: assets { totalCount } }',
    )
    expect(data.paged).toEqual({
      totalCount: 23,
      nodes: [{ id: expect.any(String) }, { id: expect.any(String) }],
    })
    expect(data.all.totalCount).toBe(await server.app.services.database.assets.count())
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
      '{ assets(first: 20) { edges { node { indexStatus embedding { vector } } } } }',
    )
    for (const { node } of data.assets.edges)
      expect(node.embedding !== null).toBe(node.indexStatus === 'READY')
    expect(encoder.stats().encoded).toBe(before)
  })
})

describe('labels', () => {
  const known = `mutation ($input: AddAssetsInput!) { addAssets(input: $input) { results {
    ... on AddedAsset { duplicate changed asset { id name title description tags collections } }
    ... on InputError { code message } } } }`
  const addKnown = (assets: object[], onDuplicate = 'MERGE') =>
    server.query(known, { input: { assets, onDuplicate } })

  it('labels given with known bytes are merged, kept out or put in the place of what is there, as asked', async () => {
    const png = image(await testImage({ disc: 'salmon' }))
    const send = async (labels: object, onDuplicate?: string) => {
      const { data } = await addKnown([{ image: png, ...labels }], onDuplicate)
      return data.addAssets.results[0]
    }
    const { asset } = await send({ name: 'a.png', tags: ['Red'], description: 'first' })
    expect(await send({ name: 'b.png', title: 'T', description: 'x', tags: ['red', 'blue'] })).toMatchObject({
      duplicate: true,
      changed: ['title', 'tags'],
      asset: { id: asset.id, name: 'a.png', title: 'T', description: 'first', tags: ['Red', 'blue'] },
    })
    expect(await send({ title: 'other', tags: ['new'] }, 'KEEP')).toMatchObject({ changed: [] })
    expect(await send({ name: 'b.png', tags: ['new'], collections: ['C'] }, 'REPLACE')).toMatchObject({
      asset: { name: 'b.png', title: 'T', description: 'first', tags: ['new'], collections: ['C'] },
    })
    const { data } = await addKnown([{ image: { assetId: asset.id }, tags: ['more'] }])
    expect(data.addAssets.results[0].asset.tags).toEqual(['new', 'more'])
  })

  it('labels that many calls give to one image at once are all kept', async () => {
    const png = image(await testImage({ disc: 'orchid' }))
    const tags = Array.from({ length: 12 }, (_, n) => `tag ${n}`)
    await Promise.all(tags.map((tag) => addKnown([{ image: png, tags: [tag] }])))
    const { data } = await addKnown([{ image: png }])
    expect(data.addAssets.results[0].asset.tags.toSorted()).toEqual(tags.toSorted())
  })

  it('images of one call sort in the order of its inputs', async () => {
    const pngs = (await testImages(80)).slice(60)
    const inputs = pngs.map((bytes) => ({ image: image(bytes), collections: ['series'] }))
    const { data } = await addKnown(inputs)
    const ids = data.addAssets.results.map((one: any) => one.asset.id)
    expect(ids.toSorted()).toEqual(ids)
    expect(await pages('forward', 7, { collections: ['series'] })).toEqual(ids.toReversed())
  })

  it('one image with NULs in its metadata and labels costs the others of its call nothing', async () => {
    const nul = await withChunks([['iTXt', Buffer.from('Title\0\0\0\0\0one\0two')]])
    const { data, errors } = await addKnown([
      { image: image(await testImage({ disc: 'linen' })) },
      { image: image(nul), description: 'be\0fore', tags: ['x\0'], name: 'n\0.png' },
      { image: image(await testImage({ disc: 'snow' })) },
    ])
    expect(errors).toBeUndefined()
    expect(data.addAssets.results.map((one: any) => one.duplicate)).toEqual([false, false, false])
    expect(data.addAssets.results[1].asset).toMatchObject({
      title: 'onetwo',
      description: 'before',
      tags: ['x'],
      name: 'n.png',
    })
  })

  it('as many keywords as are taken from a file can be saved again unchanged', async () => {
    const words = Array.from({ length: 150 }, (_, n) => `<rdf:li>word ${n}</rdf:li>`).join('')
    const file = svg({ disc: 'thistle' }).replace(
      '</svg>',
      `<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><cc:Work><dc:subject><rdf:Bag>${words}</rdf:Bag></dc:subject></cc:Work></rdf:RDF></metadata></svg>`,
    )
    const { data } = await addKnown([{ image: { base64: Buffer.from(file).toString('base64') } }])
    const { id, tags } = data.addAssets.results[0].asset
    expect(tags).toHaveLength(150)
    const saved = await server.query(
      'mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) { asset { tags } } }',
      { input: { id, tags } },
    )
    expect(saved.data.updateAsset.asset.tags).toEqual(tags)
  })

  it('labels are found however their letters are composed and their blanks are written', async () => {
    const input = {
      image: image(await testImage({ disc: 'wheat' })),
      tags: ['U\u0308bung  macht'],
      collections: ['/ e\u0301te\u0301 \t//'],
    }
    await addKnown([input])
    for (const where of [
      { tagsAll: ['\u00dcbung\u00a0macht'] },
      { tagsAny: [' u\u0308bung macht'] },
      { collections: ['\u00e9t\u00e9'] },
      { collections: ['e\u0301te\u0301'] },
      { text: 'U\u0308bung' },
    ])
      expect(await pages('forward', 5, where)).toHaveLength(1)
  })
})
